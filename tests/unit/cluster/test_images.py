from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from cluster.images import PROBE, write_image


def content(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None
    return stream.read()


def test_image_holds_its_program_for_an_account_that_is_not_root(tmp_path: Path) -> None:
    (tmp_path / "probe").write_bytes(b"program")
    write_image(tmp_path / "probe.tar", PROBE, tmp_path)
    with tarfile.open(tmp_path / "probe.tar") as archive:
        (manifest,) = json.loads(content(archive, "manifest.json"))
        config = json.loads(content(archive, manifest["Config"]))
        layer = content(archive, manifest["Layers"][0])
    assert manifest["RepoTags"] == [PROBE.name]
    assert config["config"] == {"Entrypoint": ["/probe"], "User": "65532:65532"}
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert content(files, "probe") == b"program"
        assert files.getmember("probe").mode == 0o755
        assert files.getmember("tmp").mode == 0o1777


def test_equal_programs_give_equal_images(tmp_path: Path) -> None:
    (tmp_path / "probe").write_bytes(b"program")
    for name in ("first.tar", "second.tar"):
        write_image(tmp_path / name, PROBE, tmp_path)
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
