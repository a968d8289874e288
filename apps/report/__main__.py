"""python -m report build|render|show RUN_DIR"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from report import store
from report.errors import RunError
from report.record import join
from report.render import render_page
from report.schema import check
from report.summary import summary_lines


def build(run_dir: Path) -> None:
    """Joins parts/*.json into run.json and renders report.html."""
    record = join(run_dir.resolve().name, store.read_parts(run_dir))
    check(record, str(run_dir / store.RECORD_NAME))
    _say(store.write_record(run_dir, record), run_dir / store.RECORD_NAME)
    _say(store.write_page(run_dir, render_page(record)), run_dir / store.PAGE_NAME)


def render(run_dir: Path) -> None:
    """Renders report.html from run.json."""
    page = render_page(store.read_record(run_dir))
    _say(store.write_page(run_dir, page), run_dir / store.PAGE_NAME)


def show(run_dir: Path) -> None:
    """Prints the closing summary."""
    record = store.read_record(run_dir)
    print("\n".join(summary_lines(record, run_dir.resolve() / store.PAGE_NAME)))


def _say(written: bool, path: Path) -> None:
    print(f"{'written' if written else 'unchanged'}: {path}")


_COMMANDS: dict[str, Callable[[Path], None]] = {"build": build, "render": render, "show": show}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0, or 2 with one line on stderr when the run directory cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m report", description="Turns a run directory into a record and a page."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in _COMMANDS.items():
        commands.add_parser(name, help=command.__doc__).add_argument("run_dir", type=Path, metavar="RUN_DIR")
    chosen = parser.parse_args(arguments)
    try:
        _COMMANDS[chosen.command](chosen.run_dir)
    except (RunError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
