"""Builds the cluster's programs from pinned Go modules, once: what came out is kept by the digest of what went in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from cluster.images import IMAGES, write_image
from cluster.layout import SOURCES, cache_folder

GO_SOURCES: Final = SOURCES / "go"
# metrics-server is released with Kubernetes' libraries of another version, so it is a module of its own.
MODULES: Final = (GO_SOURCES, GO_SOURCES / "metricsserver")
KUBERNETES_PARTS: Final = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"),
)
_SHOW_EVERY_SECONDS: Final = 5.0


class BuildError(Exception):
    """The programs could not be built; the message ends with what the compiler said."""


def kubernetes_version() -> str:
    """As go.mod pins it: 1.35.4."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", (GO_SOURCES / "go.mod").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise BuildError("go.mod does not say which Kubernetes")
    return found[1]


def ensure_built() -> Path:
    """The folder with `bin` and `images`, built where it is not there yet. Raises BuildError."""
    builds = cache_folder() / "builds"
    folder = builds / _digest()
    builds.mkdir(parents=True, exist_ok=True)
    with _locked(builds / "lock"):
        if not folder.exists():
            draft = builds / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            _build(draft)
            draft.rename(folder)
    return folder


def _build(folder: Path) -> None:
    programs, images = folder / "bin", folder / "images"
    images.mkdir(parents=True)
    began = time.monotonic()
    print(
        f"· Kubernetes {kubernetes_version()} is built from Go modules: once, 10 to 20 minutes on two cores", flush=True
    )
    _compile(programs)
    for part in KUBERNETES_PARTS:
        (programs / part).symlink_to("kubernetes")
    for image in IMAGES:
        write_image(images / f"{image.short_name}.tar", image, programs)
    print(f"· built in {time.monotonic() - began:.0f} s", flush=True)


def _compile(programs: Path) -> None:
    programs.mkdir()
    for module in MODULES:
        total = len(_go(module, "list", "-deps", "./...").splitlines())
        command = ["go", "build", "-v", "-ldflags", _linker_flags(), "-o", f"{programs}/", "./..."]
        with subprocess.Popen(
            command, cwd=module, env=_environment(), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as compiler:
            assert compiler.stderr is not None
            said = _show_progress(compiler.stderr, module.name, total)
        if compiler.returncode != 0:
            raise BuildError("the build failed:\n" + "\n".join(said[-30:]))


def _show_progress(lines: IO[str], what: str, total: int) -> list[str]:
    """`go build -v` names each package it has compiled; those that Go's own cache has are not told."""
    said: list[str] = []
    began = shown = time.monotonic()
    for line in lines:
        said.append(line.rstrip())
        now = time.monotonic()
        if now - shown > _SHOW_EVERY_SECONDS or sys.stdout.isatty():
            shown = now
            told = f"  {what}, {now - began:4.0f} s: {len(said)} of at most {total} packages"
            print(told, end=_line_end(), flush=True)
    return said


def _line_end() -> str:
    return "\r" if sys.stdout.isatty() else "\n"


def _go(module: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=module, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"go {arguments[0]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def _linker_flags() -> str:
    version = kubernetes_version()
    major, minor, _ = version.split(".")
    said = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{name}={text}" for name, text in said.items())])


def _environment() -> dict[str, str]:
    """Static programs, which run in images that hold nothing else; nothing of the folder's path or of Git in them."""
    flags = [os.environ.get("GOFLAGS", ""), "-mod=readonly", "-trimpath", "-buildvcs=false"]
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": " ".join(flags).strip()}


def _digest() -> str:
    """Of everything that decides what comes out, this machine's compiler included."""
    digest = hashlib.sha256(_go(GO_SOURCES, "version").encode())
    inputs = [path for path in sorted(GO_SOURCES.rglob("*")) if path.is_file()]
    for path in [*inputs, SOURCES / "build.py", SOURCES / "images.py"]:
        digest.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two that want the same programs build them once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
