"""supervised_process with a real supervisord: what runs, what is restarted, what is refused, what ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import processes
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_cycle, run_module
from support.servers import free_port

PROGRAM = str(Path(__file__).resolve().parents[3] / "support" / "telling_program.py")


class Supervised:
    """A supervisor's folder, and short ways to ask the module about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def options(self, *programs: dict[str, Any], **more: Any) -> dict[str, Any]:
        supervisord = str(Path(sys.executable).with_name("supervisord"))
        return {"directory": str(self.folder), "supervisord": supervisord, "processes": list(programs), **more}

    def run(self, *programs: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        return run_module("supervised_process", self.options(*programs, **more), check=check)

    def supervisor(self) -> psutil.Process:
        return psutil.Process(int((self.folder / "supervisord.pid").read_text()))

    def files(self) -> dict[str, str]:
        return {str(path): path.read_text() for path in self.folder.rglob("*.conf")}


@pytest.fixture(scope="module")
def shared() -> Iterator[Supervised]:
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder:
        shared = Supervised(Path(folder))
        yield shared
        shared.run(state="shutdown")


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module waits less for a port that what was killed may still be closing."""
    monkeypatch.setattr(processes, "_PORT_RELEASE_SECONDS", 0.5)


@pytest.fixture
def supervised(shared: Supervised) -> Iterator[Supervised]:
    """A supervisor that may run already, and runs no process."""
    yield shared
    defined = [{"name": path.stem} for path in shared.folder.glob("conf.d/*.conf")]
    shared.run(*defined, state="absent")


@pytest.fixture
def fresh() -> Iterator[Supervised]:
    """A supervisor that was never there."""
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder:
        fresh = Supervised(Path(folder) / "p")
        yield fresh
        fresh.run(state="shutdown")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def web(name: str = "web", *arguments: str, **options: Any) -> dict[str, Any]:
    """The program above as a process, on a port of its own where none is given."""
    port = options.setdefault("port", free_port())
    return {"name": name, "command": [sys.executable, PROGRAM, str(port), *arguments], **options}


def ending(text: str) -> dict[str, Any]:
    return {"name": "ending", "command": [sys.executable, "-c", f"print({text!r}); raise SystemExit(3)"]}


def ask(process: dict[str, Any]) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{process['port']}/") as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def test_processes_are_started_and_left_alone(fresh: Supervised) -> None:
    api, page = web("api"), web("page")
    page["ready_url"] = f"http://127.0.0.1:{page['port']}/"

    cycle = run_cycle("supervised_process", fresh.options(api, page))

    assert cycle.done["processes"] == {"api": "RUNNING", "page": "RUNNING"}
    assert differences(return_documentation("supervised_process"), cycle.done) == []
    assert ask(api)["pid"] != ask(page)["pid"]
    diff = cycle.done["diff"]
    assert diff["before"] == {
        "supervisor": "STOPPED",
        "processes": {"api": "ABSENT", "page": "ABSENT"},
        "definitions": {},
    }
    assert (diff["after"]["supervisor"], diff["after"]["processes"]) == ("RUNNING", cycle.done["processes"])
    assert "[program:api]" in diff["after"]["definitions"]["api"]
    assert cycle.done_again["diff"]["before"] == cycle.done_again["diff"]["after"]


def test_check_mode_writes_nothing(fresh: Supervised) -> None:
    assert fresh.run(web(), check=True)["changed"]
    assert not fresh.folder.exists()


def test_with_no_processes_just_the_supervisor_starts(fresh: Supervised) -> None:
    run_cycle("supervised_process", fresh.options())
    assert fresh.supervisor().children() == []


@pytest.mark.parametrize(
    "change",
    [{"revision": "2"}, {"environment": {"SHELF": "2"}}, {"stop_signal": "INT"}],
    ids=lambda change: next(iter(change)),
)
def test_what_changed_is_restarted_alone(supervised: Supervised, change: dict[str, Any]) -> None:
    changing, staying = web("changing"), web("staying")
    supervised.run(changing, staying)
    before = ask(changing)["pid"], ask(staying)["pid"]

    done = run_cycle("supervised_process", supervised.options({**changing, **change}, staying)).done

    assert list(done["diff"]["after"]["definitions"]) == ["changing"]
    assert ask(changing)["pid"] != before[0]
    assert ask(staying)["pid"] == before[1]


def test_restarted_restarts_each_time(supervised: Supervised) -> None:
    process = web()
    supervised.run(process)
    ids = [ask(process)["pid"]]
    for _again in range(2):
        assert supervised.run(process, state="restarted", check=True)["changed"]
        assert ask(process)["pid"] == ids[-1]
        assert supervised.run(process, state="restarted")["changed"]
        ids.append(ask(process)["pid"])
    assert len(set(ids)) == 3


def test_absent_ends_the_named_process_only(supervised: Supervised) -> None:
    going, staying = web("going"), web("staying")
    supervised.run(going, staying)
    stays = ask(staying)["pid"]

    done = run_cycle("supervised_process", supervised.options({"name": "going"}, state="absent")).done

    assert done["processes"] == {"going": "ABSENT"}
    assert [child.pid for child in supervised.supervisor().children()] == [stays]


def test_shutdown_ends_everything(fresh: Supervised) -> None:
    fresh.run(web("one"), web("two"))
    supervisor = fresh.supervisor()
    running = [supervisor, *supervisor.children()]

    done = run_cycle("supervised_process", {"directory": str(fresh.folder), "state": "shutdown"}).done

    assert done["diff"]["after"] == {
        "supervisor": "STOPPED",
        "processes": {"one": "ABSENT", "two": "ABSENT"},
        "definitions": {},
    }
    assert psutil.wait_procs(running, timeout=20)[1] == []
    assert [*fresh.files()] == [str(fresh.folder / "supervisord.conf")]


def test_killed_supervisor_leaves_no_process_behind(supervised: Supervised) -> None:
    process = web()
    supervised.run(process)
    supervisor = supervised.supervisor()
    children = supervisor.children()

    supervisor.send_signal(signal.SIGKILL)

    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert run_cycle("supervised_process", supervised.options(process)).done["processes"] == {"web": "RUNNING"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start programs as somebody else")
def test_process_of_another_user_ends_with_its_supervisor_too(supervised: Supervised) -> None:
    port = str(free_port())
    command = ["/bin/sh", "-c", "exec sleep 600"]
    supervised.run({"name": "web", "command": command, "user": "nobody", "environment": {"PORT": port}})
    supervisor = supervised.supervisor()
    (child,) = supervisor.children()
    assert child.username() == "nobody"

    supervisor.send_signal(signal.SIGKILL)

    assert psutil.wait_procs([child], timeout=20)[1] == []


def test_process_that_ended_is_started_again(supervised: Supervised) -> None:
    done = {"name": "done", "command": [sys.executable, "-c", "import time; time.sleep(1.2)"]}
    supervised.run(done)
    supervised.run(web("other"))
    supervised.run({"name": "done"}, state="absent")

    assert supervised.run(done)["diff"]["after"]["processes"] == {"done": "RUNNING"}


def test_process_that_does_not_answer_any_more_fails(supervised: Supervised) -> None:
    process = web(ready_timeout_seconds=1)
    process["ready_url"] = f"http://127.0.0.1:{process['port']}/"
    supervised.run(process)
    asleep = psutil.Process(ask(process)["pid"])
    asleep.suspend()
    try:
        assert not supervised.run(process, check=True)["changed"]
        with pytest.raises(ModuleFailedError, match="web was not ready in 1 s"):
            supervised.run(process)
    finally:
        asleep.resume()


def test_process_that_exits_is_reported_with_its_last_lines(supervised: Supervised) -> None:
    with pytest.raises(ModuleFailedError, match="ending ended before it was ready") as caught:
        supervised.run(ending("the database is not there"))
    assert "logs/ending.log:\nthe database is not there" in caught.value.result["msg"]


def test_process_that_exited_can_be_run_again(supervised: Supervised) -> None:
    with pytest.raises(ModuleFailedError, match="the first time"):
        supervised.run(ending("the first time"))
    with pytest.raises(ModuleFailedError, match="the first time"):
        supervised.run(ending("the first time"))
    process = web("ending")
    assert supervised.run(process)["processes"] == {"ending": "RUNNING"}


def test_process_that_is_late_is_reported(supervised: Supervised) -> None:
    late = {"name": "late", "command": ["sleep", "60"], "port": free_port(), "ready_timeout_seconds": 1}
    with pytest.raises(ModuleFailedError, match=r"late was not ready in 1 s\. .*\n\(it printed nothing\)"):
        supervised.run(late)


@pytest.mark.parametrize("check", [True, False])
def test_taken_port_fails_before_anything_is_written(fresh: Supervised, taken: int, check: bool) -> None:
    process = web(port=taken, port_variable="shop_port")
    message = f"port {taken} for web is in use by another program: stop that program, or set shop_port to a free port"
    with pytest.raises(ModuleFailedError, match=message):
        fresh.run(web("first"), process, check=check)
    assert not fresh.folder.exists()


def test_move_to_a_taken_port_leaves_the_process_running(supervised: Supervised, taken: int) -> None:
    process = web()
    supervised.run(process)
    before = ask(process)["pid"], supervised.files()

    with pytest.raises(ModuleFailedError, match="set shop_port to a free port"):
        supervised.run(web(port=taken, port_variable="shop_port"))

    assert (ask(process)["pid"], supervised.files()) == before


def test_reserved_ports_are_free_or_our_own(supervised: Supervised, taken: int) -> None:
    process = web()
    own = {"name": "web", "port": process["port"], "port_variable": "shop_port"}
    supervised.run(reserved_ports=[own])
    supervised.run(process, reserved_ports=[own])
    supervised.run(process, reserved_ports=[own])
    before = supervised.files()

    for name in ("web", "other"):
        with pytest.raises(ModuleFailedError, match=f"port {taken} for {name} is in use .* set other_port"):
            supervised.run(
                web("new"), reserved_ports=[own, {"name": name, "port": taken, "port_variable": "other_port"}]
            )
    assert supervised.files() == before


ODD = {
    "percent": "100%",
    "an expansion": "%(ENV_PATH)s %s",
    "double quotes": '{"a": "b"}',
    "single quotes": "it's",
    "commas and equals": "a=1,b=2",
    "spaces": "  two  ",
    "nothing": "",
    "signs": "a;b#c\\n$HOME `x` *",
    "letters": "täst ☃",
}


def test_odd_values_reach_the_program_as_they_are(supervised: Supervised) -> None:
    process = web(
        "web", *ODD.values(), '"quoted"', "'\"", environment={f"ODD_{n}": v for n, v in enumerate(ODD.values())}
    )
    supervised.run(process)

    told = ask(process)

    assert told["arguments"] == [*ODD.values(), '"quoted"', "'\""]
    assert [told["environment"][f"ODD_{number}"] for number in range(len(ODD))] == [*ODD.values()]


def test_environment_does_not_depend_on_who_starts(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY_IN_THIS_SHELL", "1")
    process = web(environment={"NUMBER": 4000})
    supervised.run(process)

    environment = ask(process)["environment"]

    assert environment["NUMBER"] == "4000"
    assert "ONLY_IN_THIS_SHELL" not in environment


def test_definitions_are_private(supervised: Supervised) -> None:
    supervised.run(web(environment={"PASSWORD": "secret"}))
    assert (supervised.folder / "conf.d" / "web.conf").stat().st_mode & 0o077 == 0


def test_folder_with_a_space_and_a_percent_sign(fresh: Supervised) -> None:
    fresh.folder = fresh.folder / "100% of it"
    process = web()
    assert run_cycle("supervised_process", fresh.options(process)).done["processes"] == {"web": "RUNNING"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both quotes": ({"environment": {"SHELF": "a'b\"c"}}, "the value of SHELF cannot be given"),
    "a quote at the end": ({"environment": {"SHELF": "a'"}}, "the value of SHELF cannot be given"),
    "a line break": ({"environment": {"SHELF": "a\nb"}}, "a line break"),
    "a comment": ({"environment": {"SHELF": "a #b"}}, "# after a space"),
    "a comment's other sign": ({"command": ["echo", "a\t;b"]}, "; or # after a space"),
    "no command": ({"command": []}, r"processes\[\]\.command of web is empty"),
    "an address that is no URL": ({"ready_url": "127.0.0.1:80"}, r"processes\[\]\.ready_url of web is no URL"),
    "a name that is a path": ({"name": "../web"}, r"processes\[\]\.name must be of lower-case letters"),
    "nobody's account": ({"user": "no-such-user"}, r"processes\[\]\.user names no account"),
}


@pytest.mark.parametrize(("wrong", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    fresh: Supervised, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        fresh.run({**web(), **wrong})
    assert not fresh.folder.exists()


def test_name_given_twice_is_refused(supervised: Supervised) -> None:
    with pytest.raises(ModuleFailedError, match="'web' is there 2 times"):
        supervised.run(web(), web())


def test_folder_too_deep_for_a_socket_is_refused(fresh: Supervised) -> None:
    folder = str(fresh.folder).ljust(81, "x")
    with pytest.raises(ModuleFailedError, match="choose one of at most 80 characters"):
        fresh.run(web(), directory=folder)
    longest = folder[:80]
    assert fresh.run(directory=longest)["changed"]
    assert fresh.run(directory=longest, state="shutdown")["changed"]


def test_supervisord_that_is_not_there_is_named(fresh: Supervised) -> None:
    with pytest.raises(ModuleFailedError, match="/nonexistent/supervisord"):
        fresh.run(web(), supervisord="/nonexistent/supervisord")


def test_process_that_was_killed_comes_back(supervised: Supervised) -> None:
    process = web()
    supervised.run(process)
    first = ask(process)["pid"]
    psutil.Process(first).kill()
    assert supervised.run(process)["processes"] == {"web": "RUNNING"}
    assert ask(process)["pid"] != first
