"""Reads and writes a run directory: parts in, record and page out, each file whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from report.errors import RunError
from report.schema import check

PARTS = ("load", "system", "counters", "cache", "metrics", "traces", "cost")
RECORD_NAME = "run.json"
PAGE_NAME = "report.html"


def read_parts(run_dir: Path) -> dict[str, Any]:
    """All parts of the run, each checked against its definition; RunError names the first that is missing or wrong."""
    if not run_dir.is_dir():
        raise RunError(f"{run_dir} is not a directory: give the run's directory, such as runs/latest")
    return {name: _read_part(run_dir / "parts" / f"{name}.json", name) for name in PARTS}


def read_record(run_dir: Path) -> dict[str, Any]:
    """The run's record, checked; RunError when there is none yet or it is not one."""
    path = run_dir / RECORD_NAME
    if not path.is_file():
        raise RunError(f"{path} does not exist: make it with `python -m report build {run_dir}`")
    record: dict[str, Any] = _read_json(path)
    check(record, str(path))
    return record


def write_record(run_dir: Path, record: dict[str, Any]) -> bool:
    """Writes run.json unless it is there; True if written, False if it held the same, RunError if it holds another."""
    path = run_dir / RECORD_NAME
    content = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with _temporary(path, content) as temporary:
        try:
            os.link(temporary, path)  # unlike a rename, a link never replaces what another build wrote meanwhile
        except FileExistsError:
            _require_equal(path, content)
            return False
    return True


def write_page(run_dir: Path, page: str) -> bool:
    """Writes report.html, which only ever repeats the record; False if it was the same already."""
    path = run_dir / PAGE_NAME
    if path.is_file() and path.read_text(encoding="utf-8") == page:
        return False
    with _temporary(path, page) as temporary:
        temporary.replace(path)
    return True


def _read_part(path: Path, name: str) -> Any:
    if not path.is_file():
        raise RunError(f"part {name} is missing: {path} does not exist; run the stress test again or restore the file")
    part = _read_json(path)
    check(part, f"part {name} ({path})", name)
    return part


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except ValueError as error:
        raise RunError(f"{path} is not JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _require_equal(path: Path, content: str) -> None:
    if path.read_text(encoding="utf-8") != content:
        remedy = "a record is never overwritten; move it away to build it anew from parts/"
        raise RunError(f"{path} exists and differs from what parts/ give: {remedy}")


@contextmanager
def _temporary(path: Path, content: str) -> Iterator[Path]:
    """A file beside `path` with the content, readable by others as a plain open() would leave it; gone afterwards."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        temporary.chmod(0o644)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
