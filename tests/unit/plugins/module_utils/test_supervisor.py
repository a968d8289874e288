"""What a real supervisord is asked and told, and the definitions that are written for it."""

from __future__ import annotations

import configparser
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.supervisor import (
    Supervisor,
    SupervisorError,
    may_hold_port,
    render_program,
    render_supervisord,
)
from support.waiting import eventually


@pytest.fixture(scope="module")
def running() -> Iterator[Supervisor]:
    """A supervisord that has just begun, in the folder that its configuration names."""
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder:
        supervisor = Supervisor(folder)
        for name in ("conf.d", "logs"):
            (supervisor.directory / name).mkdir()
        supervisor.config.write_text(render_supervisord(folder, as_root=os.geteuid() == 0))
        command = [str(Path(sys.executable).with_name("supervisord")), "-n", "-c", str(supervisor.config)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: supervisor.states() is not None)
            yield supervisor
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def supervisor(running: Supervisor) -> Iterator[Supervisor]:
    """A supervisord that knows no process."""
    yield running
    for name in running.definitions():
        running.remove_definition(name)
        running.adopt(name)


@pytest.fixture
def absent(tmp_path: Path) -> Supervisor:
    """A supervisor's folder where none runs."""
    (tmp_path / "conf.d").mkdir()
    return Supervisor(str(tmp_path))


def process(*command: str, **options: Any) -> dict[str, Any]:
    return {
        "name": "sleeper",
        "command": [*command] or ["sleep", "600"],
        "environment": {},
        "working_directory": "/",
        "user": None,
        "port": None,
        "stop_signal": "TERM",
        "stop_seconds": 10,
        **options,
    }


def define(supervisor: Supervisor, **options: Any) -> None:
    supervisor.write_definition("sleeper", render_program(process(**options), supervisor.log_file("sleeper")))
    supervisor.adopt("sleeper")


def test_definition_that_is_adopted_starts_nothing_by_itself(supervisor: Supervisor) -> None:
    define(supervisor)
    assert supervisor.states() == {"sleeper": "STOPPED"}


def test_process_is_started_and_stopped(supervisor: Supervisor) -> None:
    define(supervisor)
    supervisor.start("sleeper")
    assert (supervisor.states() or {})["sleeper"] in ("STARTING", "RUNNING")
    for _again in range(2):
        supervisor.stop("sleeper")
        assert supervisor.states() == {"sleeper": "STOPPED"}


@pytest.mark.parametrize(("stop_seconds", "is_ended"), [(10, False), (11, True)], ids=["same", "changed"])
def test_changed_definition_ends_what_ran_by_the_old_one(
    supervisor: Supervisor, stop_seconds: int, is_ended: bool
) -> None:
    define(supervisor)
    supervisor.start("sleeper")
    define(supervisor, stop_seconds=stop_seconds)
    assert ((supervisor.states() or {})["sleeper"] == "STOPPED") is is_ended


def test_removed_definition_takes_its_process_along(supervisor: Supervisor) -> None:
    define(supervisor)
    supervisor.start("sleeper")
    supervisor.remove_definition("sleeper")
    supervisor.adopt("sleeper")
    assert supervisor.states() == {}
    supervisor.adopt("sleeper")
    assert supervisor.states() == {}


def test_refusal_names_what_was_asked(supervisor: Supervisor) -> None:
    with pytest.raises(SupervisorError, match=r"the supervisor refused startProcess nobody False: .*BAD_NAME"):
        supervisor.start("nobody")


def test_process_id_is_the_supervisors(supervisor: Supervisor) -> None:
    pid_file = supervisor.directory / "supervisord.pid"
    assert supervisor.process_id() == int(pid_file.read_text())


def test_states_are_none_where_nothing_answers(absent: Supervisor) -> None:
    assert absent.states() is None
    with pytest.raises(FileNotFoundError):
        absent.start("sleeper")


def test_states_are_none_where_something_else_answers() -> None:
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/supervisor.sock")
        server.listen()

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"no HTTP at all\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert Supervisor(folder).states() is None
        thread.join()


def test_definitions_are_kept_by_name_and_privately(absent: Supervisor) -> None:
    absent.write_definition("web", "old")
    absent.write_definition("web", "new")
    absent.write_definition("api", "other")
    assert absent.definitions() == ["api", "web"]
    assert (absent.definition("web"), absent.definition("nobody")) == ("new", None)
    assert (absent.directory / "conf.d" / "web.conf").stat().st_mode & 0o777 == 0o600


def test_definition_is_removed_once_or_twice(absent: Supervisor) -> None:
    absent.write_definition("web", "text")
    for _again in range(2):
        absent.remove_definition("web")
        assert absent.definitions() == []


def test_log_tail_is_the_last_lines(absent: Supervisor) -> None:
    assert absent.log_tail("web") == ""
    absent.log_file("web").parent.mkdir()
    absent.log_file("web").write_bytes(b"".join(b"line %d\n" % number for number in range(20)) + b"\xff\n")
    assert absent.log_tail("web", lines=3) == "line 18\nline 19\n\N{REPLACEMENT CHARACTER}"


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(text)
    return parser


def test_program_ends_with_its_supervisor_by_the_signal_that_stops_it() -> None:
    definition = parsed(render_program(process("run", "a b", stop_signal="INT", stop_seconds=3), Path("/logs/x.log")))
    section = definition["program:sleeper"]
    assert section["command"] == "setpriv --pdeathsig INT -- run 'a b'"
    assert (section["stopsignal"], section["stopwaitsecs"], section["stdout_logfile"]) == ("INT", "3", "/logs/x.log")


def test_program_of_another_account_drops_what_its_supervisor_may() -> None:
    text = render_program(process("run", user="nobody"), Path("/logs/x.log"))
    command = parsed(text)["program:sleeper"]["command"].split()
    assert command[3:6] == ["--reuid", "nobody", "--regid"]
    assert command[-3:] == ["--clear-groups", "--", "run"]


def test_account_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SupervisorError, match="names no account of this machine: no-such-user"):
        render_program(process(user="no-such-user"), Path("/logs/x.log"))


def test_log_file_is_escaped_for_both_expansions() -> None:
    text = render_program(process(working_directory="/100%"), Path("/100%/x.log"))
    section = parsed(text)["program:sleeper"]
    assert (section["directory"], section["stdout_logfile"]) == ("/100%%", "/100%%%%/x.log")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ("it's", '"it\'s"'),
        ('say "so"!', "'say \"so\"!'"),
        ("100%", '"100%%"'),
        ("", '""'),
    ],
)
def test_environment_is_quoted(value: str, written: str) -> None:
    text = render_program(process(environment={"B": value, "A": "1"}), Path("/x.log"))
    assert f'environment = A="1",B={written}\n' in text


@pytest.mark.parametrize("value", ["a'b\"c", "'a", 'a"', "a\nb", "a\rb", "a #b", "a\t;b"])
def test_value_that_supervisord_would_misread_is_refused(value: str) -> None:
    with pytest.raises(SupervisorError, match="let the program read it from a file"):
        render_program(process(environment={"SHELF": value}), Path("/x.log"))


@pytest.mark.parametrize(("as_root", "account"), [(True, "root"), (False, None)])
def test_configuration_names_root_only_where_it_is_root(as_root: bool, account: str | None) -> None:
    section = parsed(render_supervisord("/var/lib/p%", as_root=as_root))["supervisord"]
    assert section.get("user") == account
    assert section["pidfile"] == "/var/lib/p%%/supervisord.pid"


@pytest.mark.parametrize(
    ("defined", "asked", "may"),
    [(4000, 4000, True), (4000, 4001, False), (40000, 4000, False), (4000, 40000, False), (None, 4000, True)],
)
def test_definition_may_hold_the_port_it_names_and_any_where_it_names_none(
    defined: int | None, asked: int, may: bool
) -> None:
    assert may_hold_port(render_program(process(port=defined), Path("/x.log")), asked) is may
