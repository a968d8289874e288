"""Pushes an image's archive to a registry, as the distribution specification has it; no container engine is needed."""

from __future__ import annotations

import hashlib
import json
import tarfile
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"


class PushError(Exception):
    """The registry refused a part of the image."""


def push(registry: str, repository: str, tag: str, archive: Path) -> str:
    """Pushes what `docker save` or `images.write_image` wrote; returns the manifest's digest. Raises PushError."""
    with tarfile.open(archive) as parts:
        (listed,) = json.loads(_content(parts, "manifest.json"))
        config = _content(parts, listed["Config"])
        layers = [_content(parts, name) for name in listed["Layers"]]
    for content in (config, *layers):
        _push_blob(registry, repository, content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor(_CONFIG, config),
        "layers": [_descriptor(_LAYER, layer) for layer in layers],
    }
    body = json.dumps(manifest).encode()
    _request(registry, "PUT", f"/v2/{repository}/manifests/{tag}", body, _MANIFEST)
    return _digest(body)


def _push_blob(registry: str, repository: str, content: bytes) -> None:
    place = urlsplit(_request(registry, "POST", f"/v2/{repository}/blobs/uploads/"))
    target = f"{place.path}?{place.query}&digest={_digest(content)}"
    _request(registry, "PUT", target, content, "application/octet-stream")


def _request(registry: str, method: str, path: str, body: bytes = b"", kind: str = "") -> str:
    """Where the registry says to go on, if it does."""
    connection = HTTPConnection(registry, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        reply = connection.getresponse()
        words = reply.read()
    finally:
        connection.close()
    if reply.status not in (201, 202):
        raise PushError(f"{method} {path}: {reply.status} {words.decode(errors='replace')}")
    return reply.headers.get("Location") or ""


def _content(parts: tarfile.TarFile, name: str) -> bytes:
    stream = parts.extractfile(name)
    if stream is None:
        raise PushError(f"the archive's {name} is no file")
    return stream.read()


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
