"""The command line: `run` a profile, list the `profiles`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from loadtest.ending import Ending, GeneratorError, Result
from loadtest.inputs import InputError, check_targets, is_loopback, read_plan
from loadtest.plan import Plan
from loadtest.profiles import built_in_profiles
from loadtest.progress import emit
from loadtest.record import build_record, write_atomically

EXIT_PASSED = 0
EXIT_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_THRESHOLDS = 3
EXIT_INTERRUPTED = 130
_SATURATED_PERCENT = 80
"""Of a core, in the mean: above it Locust has been seen to report less load and longer latencies than there were."""


class _Parser(argparse.ArgumentParser):
    """Tells a wrong command line in one line, as every other bad input is told."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str]) -> int:
    """Runs one command; returns the exit status that the README's table explains."""
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.command(arguments))
    except InputError as reason:
        _say(str(reason))
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m loadtest", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="run a profile and write its record", allow_abbrev=False))
    commands.add_parser("profiles", help="list the built-in profiles").set_defaults(command=_list_profiles)
    # The master starts these; without help they stay out of the list of commands.
    commands.add_parser("worker").set_defaults(command=_work)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    profile = parser.add_mutually_exclusive_group(required=True)
    profile.add_argument("--profile", help="a built-in profile's name")
    profile.add_argument("--profile-file", type=Path, help="a profile of your own (JSON)")
    parser.add_argument("--frontend-url", required=True, help="the storefront, http://host:port")
    parser.add_argument("--backend-url", required=True, help="the API, http://host:port")
    parser.add_argument("--accounts-file", type=Path, required=True, help="the shared accounts (JSON)")
    parser.add_argument("--output", type=Path, required=True, help="where load.json goes; must not exist")
    parser.add_argument("--secret-file", type=Path, help="sent as X-Load-Test-Secret")
    parser.add_argument("--seed", type=int, default=1, help="of the users' choices (default: 1)")
    parser.add_argument("--workers", type=int, default=1, help="processes that run users (default: 1)")
    parser.add_argument("--max-requests", type=int, help="end the test after so many requests")
    parser.add_argument(
        "--request-timeout-seconds", type=float, default=10.0, help="after which a request is an error (default: 10)"
    )
    parser.set_defaults(command=_run)


def _list_profiles(_unused: argparse.Namespace) -> int:
    for name, profile in built_in_profiles().items():
        limits = ", ".join(f"{key} <= {limit:g}" for key, limit in profile.thresholds.items())
        print(f"{name:8} {profile.total_seconds:5g} s  {profile.most_users:4d} users  {limits}")  # noqa: T201
    return EXIT_PASSED


def _work(_unused: argparse.Namespace) -> int:
    from loadtest.worker import run_worker

    run_worker()
    return EXIT_PASSED


def _run(arguments: argparse.Namespace) -> int:
    plan = read_plan(arguments)
    check_targets(plan)
    _announce(plan)
    # Locust changes the standard library when it is imported, and takes a second: only where load is made.
    from loadtest.engine import run_plan

    try:
        result = run_plan(plan)
    except GeneratorError as reason:
        _say(f"the load test could not start: {reason}")
        return EXIT_FAULT
    return _finish(plan, result, arguments.output)


def _finish(plan: Plan, result: Result, output: Path) -> int:
    """Writes the record and says how the test went."""
    document = build_record(plan, result.recorder, result.ending.is_early, result.generator)
    try:
        write_atomically(output, document)
    except OSError as reason:
        _say(f"--output: cannot write {output} ({reason.strerror}); the test's results are lost")
        return EXIT_FAULT
    _explain(result.ending, document)
    emit({"event": "finished", "passed": document["passed"], "output": str(output)})
    return _exit_status(result.ending, document["passed"])


def _explain(ending: Ending, document: dict[str, Any]) -> None:
    """What a person wants to know when a test did not pass, or should not be trusted."""
    for fault in ending.faults:
        _say(f"the load test failed: {fault}")
    if ending.interrupted:
        _say("interrupted: the record is partial")
    elif ending.requests_used_up:
        _say("--max-requests reached before the stages' end: the record is partial and does not pass")
    for threshold in document["thresholds"]:
        if not threshold["passed"]:
            _say(f"threshold failed: {threshold['name']} is {threshold['actual']}, at most {threshold['limit']} passes")
    cpu_percent = document["generator"]["cpu_percent_mean"]
    if cpu_percent is not None and cpu_percent > _SATURATED_PERCENT:
        _say(f"the generator itself needed {cpu_percent} % of a core: latencies may be its own; use --workers")


def _exit_status(ending: Ending, passed: bool) -> int:
    if ending.faults:
        return EXIT_FAULT
    if ending.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_PASSED if passed else EXIT_THRESHOLDS


def _announce(plan: Plan) -> None:
    for url in (plan.backend_url, plan.frontend_url):
        place = "this machine" if is_loopback(url) else "another machine"
        _say(f"load goes to {url} ({place})")


def _say(line: str) -> None:
    sys.stderr.write(" ".join(line.split()) + "\n")
