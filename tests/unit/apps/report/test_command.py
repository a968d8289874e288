"""The program at its door: what it writes, what it refuses, with which words and exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from report.__main__ import main
from support.run_load import Story
from support.run_parts import run_parts, write_parts

APPS = Path(__file__).resolve().parents[4] / "apps"
PARTS = ("load", "system", "counters", "cache", "metrics", "traces", "cost")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "20260314T092653Z-demo"
    write_parts(folder, run_parts())
    return folder


def _edit(run_dir: Path, part: str, text: str) -> None:
    (run_dir / "parts" / f"{part}.json").write_text(text, encoding="utf-8")


def _refusal(run_dir: Path, capsys: pytest.CaptureFixture[str], command: str = "build") -> str:
    """The one line a refused command leaves on stderr."""
    assert main([command, str(run_dir)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return line


def test_program_builds_and_shows_a_run_without_leaving_anything_else_behind(run_dir: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(APPS)}
    for command in ("build", "show"):
        done = subprocess.run(
            [sys.executable, "-m", "report", command, str(run_dir)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    assert "traces captured       29,259\n" in done.stdout
    assert sorted(path.name for path in run_dir.iterdir()) == ["parts", "report.html", "run.json"]


def test_show_prints_the_closing_summary(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["build", str(run_dir)])
    capsys.readouterr()
    assert main(["show", str(run_dir)]) == 0
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert {name: value.strip() for name, value in shown.items()} == {
        "verdict": "passed",
        "traces captured": "29,259",
        "requests": "29,259",
        "requests/s": "487.6",
        "p50 / p95 / p99": "4.10 ms / 19.3 ms / 33.6 ms",
        "error rate": "0 %",
        "cache hit rate": "99.92 %",
        "cost of this test": "$0.1471 (estimate)",
        "report": str(run_dir / "report.html"),
    }


def test_show_names_failed_thresholds_and_an_early_end(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = run_parts(Story(errors=True))
    parts["load"]["partial"] = True
    write_parts(run_dir, parts)
    main(["build", str(run_dir)])
    main(["show", str(run_dir)])
    assert "failed (error_rate, p95_ms, p99_ms, ended early)" in capsys.readouterr().out


def test_record_is_named_after_its_directory_also_through_a_link(run_dir: Path) -> None:
    link = run_dir.parent / "latest"
    link.symlink_to(run_dir.name)
    assert main(["build", str(link)]) == 0
    assert json.loads((run_dir / "run.json").read_text())["run"]["id"] == run_dir.name


def test_second_build_of_the_same_parts_changes_nothing(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["build", str(run_dir)])
    before = {path.name: path.stat().st_mtime_ns for path in run_dir.glob("r*.*")}
    capsys.readouterr()
    assert main(["build", str(run_dir)]) == 0
    assert {line.split(":")[0] for line in capsys.readouterr().out.splitlines()} == {"unchanged"}
    assert {path.name: path.stat().st_mtime_ns for path in run_dir.glob("r*.*")} == before


def test_record_is_never_overwritten_by_another(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["build", str(run_dir)])
    before = (run_dir / "run.json").read_bytes()
    capsys.readouterr()
    write_parts(run_dir, run_parts(Story(seed=8)))
    assert "run.json exists and differs from what parts/ give" in _refusal(run_dir, capsys)
    assert (run_dir / "run.json").read_bytes() == before


def test_render_makes_the_page_anew_from_the_record_alone(run_dir: Path) -> None:
    main(["build", str(run_dir)])
    page = (run_dir / "report.html").read_text()
    (run_dir / "report.html").unlink()
    for part in (run_dir / "parts").iterdir():
        part.unlink()
    assert main(["render", str(run_dir)]) == 0
    assert (run_dir / "report.html").read_text() == page


@pytest.mark.parametrize("part", PARTS)
def test_missing_part_is_named(run_dir: Path, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "parts" / f"{part}.json").unlink()
    assert _refusal(run_dir, capsys).startswith(f"report: part {part} is missing: ")
    assert not (run_dir / "run.json").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cache.json is not JSON"),
        ('{"hits": NaN}', "NaN is no number"),
        ("[]", "part cache"),
        ('{"hits": 1, "misses": 0, "hit_rate": 99.5, "total": 1}', "$.hit_rate"),
        ('{"hits": 1, "misses": 0, "hit_rate": 1}', "'total' is a required property"),
    ],
)
def test_malformed_part_is_named_with_the_place(
    run_dir: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(run_dir, "cache", text)
    assert words in _refusal(run_dir, capsys)
    assert not (run_dir / "run.json").exists()


def test_what_is_no_run_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not a directory" in _refusal(tmp_path / "nowhere", capsys)


@pytest.mark.parametrize("command", ["render", "show"])
def test_commands_that_need_a_record_say_how_to_make_it(
    run_dir: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "make it with `python -m report build" in _refusal(run_dir, capsys, command)
