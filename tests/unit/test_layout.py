"""Where things stand: tests beside what they test, functions one can read, scenarios of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FUNCTION_LINES = 60
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MAKES_NO_AWS_CALL = {"cost_estimate", "stress_test", "supervised_process", "xray_daemon"}
TELLS_FAILURES_AS_RESULTS = {"eks_preflight_info"}  # which scenarios hold for a mistake; its own tests disturb it


def plugins(kind: str) -> list[Path]:
    """The plugins of a kind that hold a function or a class."""
    files = sorted((ROOT / "plugins" / kind).glob("*.py"))
    kinds = (*FUNCTIONS, ast.ClassDef)
    return [path for path in files if any(isinstance(node, kinds) for node in ast.walk(ast.parse(path.read_text())))]


def subject_of(test: Path, names: set[str]) -> str:
    """What a test file tests: the longest of the names that its own begins with, or nothing."""
    words = test.stem.removeprefix("test_").split("_")
    beginnings = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return next((name for name in beginnings if name in names), "")


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The name and the lines of each function of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, FUNCTIONS):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("kind", ["action", "filter", "module_utils", "modules"])
def test_every_plugin_has_its_tests_at_the_mirrored_place(kind: str) -> None:
    names = {path.stem for path in plugins(kind)}
    tests = (ROOT / "tests" / "unit" / "plugins" / kind).glob("test_*.py")
    assert names - {subject_of(path, names) for path in tests} == set()


@pytest.mark.parametrize("room", ["plugins", "apps/localaws"])
def test_no_function_is_too_long(room: str) -> None:
    long = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_that_calls_aws_has_scenarios() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    scenarios = {path.stem for path in (ROOT / "tests" / "support" / "scenarios").glob("[a-z]*.py")}
    assert modules - MAKES_NO_AWS_CALL - TELLS_FAILURES_AS_RESULTS == scenarios


@pytest.mark.parametrize("name", sorted(MAKES_NO_AWS_CALL))
def test_module_said_to_make_no_aws_call_has_no_client(name: str) -> None:
    source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text("utf-8")
    assert "AnsibleAWSModule" not in source
    assert "boto" not in source
