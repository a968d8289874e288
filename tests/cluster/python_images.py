"""Images of this project's Python programs: the distribution's Python, the packages they need, and their own code."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any, Final

from support.playbooks import ROOT

from cluster.layout import cache_folder

_PACKAGES: Final = ("python3-minimal", "libpython3-stdlib", "ca-certificates")
_UNREAD: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/i18n/*")
_SITE: Final = "app/site"
# Of all of AWS' interfaces, which are most of botocore, those that the programs call.
_UNCALLED: Final = re.compile(r"botocore/data/(?!(xray|sts)/)[^/]+/")


@dataclass(frozen=True, slots=True)
class Program:
    """A package below apps/ that is run by `python3 -m`, the distributions it imports, and its variables."""

    package: str
    imports: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)
    user: str = "10001:10001"

    def write_image(self, path: Path) -> None:
        """Writes it as `docker save` does."""
        layers = [base_layer().read_bytes(), _layer(self._files())]
        config = json.dumps(self._config(layers)).encode()
        names = [f"layer{number}.tar" for number in range(len(layers))]
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        listed = [{"Config": config_name, "RepoTags": [f"deepobs.test/{self.package}:1"], "Layers": names}]
        with tarfile.open(path, "w") as archive:
            contents = dict(zip(names, layers, strict=True))
            for name, content in {
                **contents,
                config_name: config,
                "manifest.json": json.dumps(listed).encode(),
            }.items():
                _add(archive, name, content)

    def _config(self, layers: Sequence[bytes]) -> dict[str, Any]:
        variables = {"PYTHONPATH": f"/app:/{_SITE}", "PYTHONDONTWRITEBYTECODE": "1", **self.variables}
        return {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {
                "Entrypoint": ["/usr/bin/python3", "-m", self.package],
                "Env": [f"{name}={value}" for name, value in variables.items()],
                "User": self.user,
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]},
        }

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted((ROOT / "apps" / self.package).rglob("*.py")):
            yield f"app/{path.relative_to(ROOT / 'apps')}", path.read_bytes()
        for found in _with_what_they_need(self.imports):
            for file in found.files or ():
                name = str(file)
                if ".." not in name and not name.endswith(".pyc") and not _UNCALLED.match(name):
                    yield f"{_SITE}/{name}", Path(str(file.locate())).read_bytes()


def base_layer() -> Path:
    """The distribution's Python as a layer, made once for each release and kept outside of the checkout."""
    release = next(
        line.partition("=")[2] for line in Path("/etc/os-release").read_text().splitlines() if "CODENAME" in line
    )
    layer = cache_folder() / "layers" / f"python-{release}.tar"
    if not layer.exists():
        layer.parent.mkdir(parents=True, exist_ok=True)
        made = layer.with_suffix(".part.tar")
        unread = [f"--dpkgopt=path-exclude={path}" for path in _UNREAD]
        program = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}", *unread]
        subprocess.run([*program, release, str(made)], check=True)
        made.rename(layer)
    return layer


def _with_what_they_need(names: Sequence[str]) -> list[Distribution]:
    """Distributions and all that they require, extras left out."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = distribution(name)
            required = [text for text in found[name].requires or () if "extra ==" not in text]
            waiting += [re.split(r"[ ;<>=!~\[(]", text)[0] for text in required]
    return list(found.values())


def _layer(files: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, content in files:
            _add(layer, name, content)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
