"""stress_test in this process and in real playbook runs, against a server that counts the generator's requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.deepobs.eks.plugins.action import stress_test
from ansible_collections.deepobs.eks.plugins.action.stress_test import ARGUMENT_SPEC, ActionModule
from ansible_collections.deepobs.eks.plugins.modules.stress_test import DOCUMENTATION
from support.documented import differences, return_documentation
from support.fake_generator import API_REQUESTS
from support.fake_shop import Answer, running_shop
from support.metered_shop import MeteredShop, metered_shop
from support.programs import is_running
from support.stress_options import stress_options
from support.waiting import eventually

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOK = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"]

Act = Callable[..., dict[str, Any]]


@dataclass
class Run:
    """What a playbook run came to; `result` is what the task returned."""

    output: str
    result: dict[str, Any]

    @property
    def message(self) -> str:
        return " ".join(self.result["msg"].split())


@dataclass
class Controller:
    """A folder to run playbooks from, with the generator and the files a test needs."""

    folder: Path
    shop: MeteredShop
    options: dict[str, Any]

    @property
    def run_dir(self) -> Path:
        return Path(self.options["run_dir"])

    def given(self, **options: Any) -> dict[str, Any]:
        """The options with some replaced; a None takes an option away."""
        return {name: value for name, value in {**self.options, **options}.items() if value is not None}

    def start(self, *arguments: str, tries: list[dict[str, Any]]) -> subprocess.Popen[str]:
        """Starts a playbook with a task for each set of options."""
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": [*map(self._task, tries), self._keep()]}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(play))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [*PLAYBOOK, *arguments, str(self.folder / "play.yml")]
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def _task(self, options: dict[str, Any]) -> dict[str, Any]:
        collect = {"results": "{{ (results | default([])) + [stress] }}"}
        steps = [
            {"deepobs.eks.stress_test": self.given(**options), "register": "stress", "ignore_errors": True},
            {"ansible.builtin.set_fact": collect},
        ]
        return {"block": steps}

    def _keep(self) -> dict[str, Any]:
        copy = {"content": "{{ results | to_json }}", "dest": str(self.folder / "results.json")}
        return {"ansible.builtin.copy": copy, "check_mode": False}

    def run_all(self, *arguments: str, tries: list[dict[str, Any]]) -> list[Run]:
        with self.start(*arguments, tries=tries) as process:
            output, _nothing = process.communicate(timeout=120)
        assert process.returncode == 0, output
        return [Run(output, result) for result in json.loads((self.folder / "results.json").read_text())]

    def run(self, *arguments: str, **options: Any) -> Run:
        (run,) = self.run_all(*arguments, tries=[options])
        return run


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    with metered_shop() as shop:
        yield Controller(tmp_path, shop, stress_options(tmp_path, shop.url))


@pytest.fixture
def act(controller: Controller) -> Act:
    """Runs the action as Ansible does, in this process, with some options replaced."""

    def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
        loader, context = DataLoader(), PlayContext()
        data = {"deepobs.eks.stress_test": controller.given(**options), "check_mode": check}
        connection = connection_loader.get("ansible.builtin.local", context)
        action = ActionModule(Task.load(data), connection, context, loader, Templar(loader))
        result: dict[str, Any] = action.run()
        return result

    return run


def test_result_is_what_the_load_came_to(controller: Controller, act: Act) -> None:
    result = act()
    assert differences(return_documentation("stress_test"), result) == []
    assert (result["changed"], result["passed"], "warnings" in result) == (True, True, False)
    assert result["cache"]["total"] == API_REQUESTS


def test_collections_own_generator_and_this_python_are_the_default(act: Act) -> None:
    result = act(check=True, python=None, apps_dir=None)
    assert result["command"][:4] == [sys.executable, "-m", "loadtest", "run"]
    assert (stress_test._APPS_DIR / "loadtest" / "__main__.py").is_file()


def test_check_mode_plans_the_very_command(controller: Controller, act: Act) -> None:
    planned = act(check=True, seed="7")
    assert not controller.run_dir.exists()
    assert planned["command"] == act(seed=7)["command"]
    assert planned["msg"] == f"Would run {' '.join(planned['command'])}"
    assert (planned["changed"], planned["run_dir"]) == (True, str(controller.run_dir))


def test_counters_that_did_not_settle_are_warned_of(act: Act) -> None:
    result = act(settle_seconds=0)
    assert result["warnings"] == [
        "The counters still changed 0 s after the load: settle_seconds was too short, or others use the shop"
    ]
    assert (result.get("failed", False), "settled" in result) == (False, False)


def test_missed_threshold_fails_with_the_whole_result(controller: Controller, act: Act) -> None:
    result = act(profile="misses")
    assert (result["failed"], result["passed"]) == (True, False)
    assert "p95_ms is 87.4, its limit 50" in result["msg"]
    assert (controller.run_dir / "parts" / "counters.json").is_file()


def test_missed_threshold_is_left_to_the_caller_on_request(act: Act) -> None:
    result = act(profile="misses", fail_on_thresholds=False)
    assert (result.get("failed", False), result["passed"], result["cache"]["total"]) == (False, False, API_REQUESTS)


def test_test_that_cannot_be_run_fails_with_the_reason(act: Act) -> None:
    result = act(accounts_file="/nowhere/accounts")
    assert result["failed"] is True
    assert result["msg"].startswith("accounts_file: there is no file /nowhere/accounts")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"profile": None}, "one of the following is required: profile, profile_file"),
        ({"workers": "many"}, "workers.*many"),
        ({"run_dir": None}, "missing required arguments: run_dir"),
        ({"users": 3}, "Unsupported parameters.*users"),
    ],
    ids=["no profile", "no number", "no folder", "unknown"],
)
def test_wrong_options_are_refused_also_in_check_mode(
    act: Act, wrong: dict[str, Any], message: str, check: bool
) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        act(check=check, **wrong)


def test_options_are_as_documented() -> None:
    documented = yaml.safe_load(DOCUMENTATION)["options"]
    kept = ("type", "required", "default", "elements")
    assert {name: {key: option[key] for key in kept if key in option} for name, option in documented.items()} == {
        name: {key: option[key] for key in kept if key in option} for name, option in ARGUMENT_SPEC.items()
    }


def test_playbook_shows_progress_as_lines_in_order(controller: Controller) -> None:
    run = controller.run()
    assert (run.result["failed"], run.result["passed"]) == (False, True)
    assert [line for line in run.output.splitlines() if " rps" in line] == [
        "  0/60 s · 200 users · 1,612 rps · p95 - · 0 errors",
        "  34/60 s · 200 users · 1,612 rps · p95 87 ms · 1 error",
        "  60/60 s · 200 users · 1,612 rps · p95 87 ms · 2 errors",
    ]


def test_playbook_in_check_mode_says_what_it_would_run_and_does_nothing(controller: Controller) -> None:
    options = {"accounts_file": "/nowhere/yet", "backend_url": "http://127.0.0.1:1", "python": "/nowhere/python"}
    run = controller.run("--check", seed=7, **options)
    assert run.result["changed"] is True
    assert run.message.startswith("Would run /nowhere/python -m loadtest run --profile passes")
    assert "--seed 7" in run.message
    assert run.result["command"][-2:] == ["--output", str(controller.run_dir / "parts" / "load.json")]
    assert not controller.run_dir.exists()
    assert controller.shop.requests.total() == 0


def test_playbook_fails_with_the_name_of_the_bad_option(controller: Controller) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"profile": None}, "one of the following is required: profile, profile_file"),
        ({"backend_url": "http://127.0.0.1:1"}, "backend_url: http://127.0.0.1:1/health does not answer"),
        ({"profile": "unheard_of"}, "profile: there is no profile 'unheard_of'; choose from passes, misses"),
    ]
    for run, (_options, message) in zip(controller.run_all(tries=[one for one, _ in wrong]), wrong, strict=True):
        assert run.result["failed"] is True
        assert message in run.message
    assert not controller.run_dir.exists()


def test_the_collections_own_generator_runs_like_this(controller: Controller) -> None:
    profile = {
        "name": "short",
        "stages": [{"duration_seconds": 0, "users": 5}, {"duration_seconds": 2.5, "users": 5}],
        "think_time_seconds": [0.02, 0.06],
        "mix": {"products": 50, "storefront": 50},
        "thresholds": {"error_rate": 0},
    }
    (controller.folder / "profile.json").write_text(json.dumps(profile))
    (controller.folder / "accounts.json").write_text(json.dumps([{"email": "a@example.com", "password": "secret"}]))
    with running_shop() as shop:
        shop.special = {"/metrics": Answer(), "/metrics/cache": Answer(body=b'{"hits": 0, "misses": 0}')}
        options = {"profile": None, "profile_file": str(controller.folder / "profile.json"), "seed": 3, "workers": 1}
        urls = {"backend_url": shop.url, "frontend_url": shop.url}
        run = controller.run(**options, **urls, apps_dir=None)
    record = json.loads((controller.run_dir / "parts" / "load.json").read_text())
    assert (run.result.get("msg"), run.result["passed"]) == (None, True)
    assert record["profile"]["name"] == "short"
    assert run.result["summary"]["totals"] == record["totals"]
    assert " · 5 users · " in run.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_interrupted_playbook_leaves_no_generator(controller: Controller, number: signal.Signals) -> None:
    with controller.start(tries=[{"profile": "hangs"}]) as process:
        assert process.stdout is not None
        assert any(" rps" in line for line in process.stdout), "the load never began"
        pids = [int(pid) for pid in (controller.run_dir / "parts" / "pids").read_text().split()]
        assert all(map(is_running, pids))
        process.send_signal(number)
        process.stdout.read()
    eventually(lambda: not any(map(is_running, pids)), timeout_seconds=30)
