"""docs/security.md is true: the tests that it names are there, and its events are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
APPS, TESTS = ROOT / "apps", ROOT / "tests" / "unit"
TIERS = ("backend", "frontend", "serving")
NAMED = sorted(set(re.findall(r"`(\S+\.py)::(test_\w+)`", PAGE)))
RISKS = [f"A{number:02}:2021" for number in range(1, 11)] + ["A10:2025"]
LOCK_FILES = sorted((ROOT / "requirements").glob("*.txt"))


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def trees(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((APPS / room).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def calls(*rooms: str) -> Iterator[ast.Call]:
    for _unused, tree in trees(*rooms):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def told(room: str) -> set[str]:
    """The names of the events that a room tells."""
    names = {"tell", "_log"}
    return {
        call.args[0].value
        for call in calls(room)
        if (getattr(call.func, "attr", None) or getattr(call.func, "id", None)) in names
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_test_is_there(file: str, name: str) -> None:
    path = TESTS / "apps" / file if "/" in file else TESTS / file
    tree = ast.parse(path.read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_risk_has_its_row_and_its_tests() -> None:
    table = {cells[0].split()[0]: cells for cells in rows("OWASP Top 10")}
    assert list(table) == RISKS
    assert [risk for risk, cells in table.items() if "::test_" not in cells[2]] == []


def test_every_event_has_its_row() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows("Security events")}
    found = {
        room: {event for event, tier in table.items() if tier in (room, "both")} for room in ("backend", "frontend")
    }
    common = told("serving")
    assert found == {room: told(room) | common for room in found}


def test_readme_leads_here() -> None:
    assert "](docs/security.md)" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("file", LOCK_FILES, ids=lambda file: file.name)
def test_every_requirement_is_pinned_by_hash(file: Path) -> None:
    joined = file.read_text("utf-8").replace("\\\n", " ")
    requirements = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []


def test_tiers_load_no_objects_and_run_no_text() -> None:
    loading = {"pickle", "marshal", "shelve", "dill", "yaml"}
    imported = {
        name.split(".")[0]
        for _unused, tree in trees(*TIERS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
    }
    assert imported & loading == set()
    assert {getattr(call.func, "id", "") for call in calls(*TIERS)} & {"eval", "exec", "compile"} == set()
