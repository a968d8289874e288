"""Container images of single static programs, written as archives without any container engine."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ACCOUNTS: Final = b"root:x:0:0:root:/:/\nnonroot:x:65532:65532:nonroot:/:/\n"
# Whoever runs a pod as `restricted` asks for must not be root, and does not want to say who else.
_NONROOT: Final = "65532:65532"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one program."""

    program: str
    user: str = _NONROOT

    @property
    def short_name(self) -> str:
        return self.program

    @property
    def name(self) -> str:
        return f"deepobs.test/{self.program}:1"


PAUSE: Final = Image("pause")
PROBE: Final = Image("probe")
IMAGES: Final = (PAUSE, PROBE, Image("coredns"), Image("metricsserver"))


def write_image(path: Path, image: Image, programs: Path) -> None:
    """Writes an image as `docker save` does; equal programs give equal archives."""
    layer = _layer({"etc/passwd": (_ACCOUNTS, 0o644), image.program: ((programs / image.program).read_bytes(), 0o755)})
    config = json.dumps(_config(image, hashlib.sha256(layer).hexdigest())).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.name], "Layers": ["layer.tar"]}]
    parts = {config_name: config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as archive:
        for name, content in parts.items():
            _add(archive, name, content, 0o644)


def _config(image: Image, layer_digest: str) -> dict[str, Any]:
    return {
        "architecture": _architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{image.program}"], "User": image.user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created_by": "tests/cluster/images.py"}],
    }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _layer(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, mode in {"etc": 0o755, "tmp": 0o1777}.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            layer.addfile(folder)
        for name, (content, mode) in files.items():
            _add(layer, name, content, mode)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
