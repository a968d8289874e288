"""stress_test in real playbook runs, with a generator that makes real requests to a server that counts them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.deepobs.eks.plugins.action.stress_test import ARGUMENT_SPEC
from ansible_collections.deepobs.eks.plugins.modules.stress_test import DOCUMENTATION
from support.documented import differences, return_documentation
from support.fake_generator import API_REQUESTS, PAGE_REQUESTS
from support.fake_shop import Answer, running_shop
from support.metered_shop import MeteredShop, metered_shop

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOK = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"]


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
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def run_dir(self) -> Path:
        return self.folder / "runs" / "one"

    def start(self, *arguments: str, tries: list[dict[str, Any]]) -> subprocess.Popen[str]:
        """Starts a playbook with a task for each set of options; a None takes an option away."""
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
        given = {name: value for name, value in {**self.options, **options}.items() if value is not None}
        collect = {"results": "{{ (results | default([])) + [stress] }}"}
        steps = [
            {"deepobs.eks.stress_test": given, "register": "stress", "ignore_errors": True},
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

    def part(self, name: str) -> dict[str, Any]:
        part: dict[str, Any] = json.loads((self.run_dir / "parts" / f"{name}.json").read_text())
        return part


@pytest.fixture
def shop() -> Iterator[MeteredShop]:
    with metered_shop() as running:
        yield running


def make_controller(folder: Path, shop: MeteredShop) -> Controller:
    package = folder / "apps" / "loadtest"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(ROOT / "tests" / "support" / "fake_generator.py", package / "__main__.py")
    (folder / "accounts.json").write_text("[]")
    controller = Controller(folder, shop)
    controller.options = {
        "profile": "passes",
        "frontend_url": shop.url,
        "backend_url": shop.url,
        "accounts_file": str(folder / "accounts.json"),
        "run_dir": str(controller.run_dir),
        "python": sys.executable,
        "apps_dir": str(folder / "apps"),
        "daemon_url": shop.url,
    }
    return controller


@pytest.fixture
def controller(tmp_path: Path, shop: MeteredShop) -> Controller:
    return make_controller(tmp_path, shop)


def test_progress_appears_as_lines_in_order(controller: Controller) -> None:
    lines = [line for line in controller.run().output.splitlines() if " rps" in line]
    assert lines == [
        "  0/60 s · 200 users · 1,612 rps · p95 - · 0 errors",
        "  34/60 s · 200 users · 1,612 rps · p95 87 ms · 1 error",
        "  60/60 s · 200 users · 1,612 rps · p95 87 ms · 2 errors",
    ]


def test_counters_are_those_of_the_load_alone(controller: Controller) -> None:
    for _ in range(3):
        controller.shop.answer("/api/catalog/products")
    controller.run()
    served = {"GET /api/catalog/products": API_REQUESTS, "GET /products": PAGE_REQUESTS}
    tier = {"requests": API_REQUESTS + PAGE_REQUESTS, "routes": served}
    sent = API_REQUESTS + PAGE_REQUESTS
    assert controller.part("counters") == {
        "backend": tier,
        "frontend": tier,
        "daemon": {"received": sent, "sent": sent, "dropped": 0, "malformed": 0, "rejected": 0, "queued": 0},
        "segments": {"backend_sent": sent, "backend_dropped": 0, "frontend_sent": sent, "frontend_dropped": 0},
    }
    cache = controller.part("cache")
    assert (cache["hits"], cache["misses"], cache["hit_rate"], cache["total"]) == (API_REQUESTS, 0, 1.0, API_REQUESTS)


def test_result_is_as_documented_and_equals_the_parts(controller: Controller) -> None:
    run = controller.run()
    result = {name: value for name, value in run.result.items() if name != "failed"}
    assert differences(return_documentation("stress_test"), result) == []
    assert (result["changed"], result["passed"], result["run_dir"]) == (True, True, str(controller.run_dir))
    assert (result["counters"], result["cache"]) == (controller.part("counters"), controller.part("cache"))
    assert result["summary"]["totals"] == controller.part("load")["totals"]
    assert sorted(path.name for path in controller.run_dir.rglob("*")) == [
        "cache.json",
        "counters.json",
        "load.json",
        "loadtest.log",
        "parts",
    ]


def test_replicas_are_summed(controller: Controller) -> None:
    with metered_shop() as second:
        urls = [f"{controller.shop.url}/metrics", f"{second.url}/metrics"]
        counters = controller.run(backend_metrics_urls=urls, frontend_url=second.url).result["counters"]
    assert counters["backend"]["routes"] == {
        "GET /api/catalog/products": API_REQUESTS,
        "GET /products": PAGE_REQUESTS,
    }
    assert counters["frontend"]["routes"] == {"GET /products": PAGE_REQUESTS}


def test_without_tracing_and_daemon_their_counters_are_null(controller: Controller) -> None:
    controller.shop.traces = False
    counters = controller.run(daemon_url=None).result["counters"]
    assert counters["daemon"] is None
    assert set(counters["segments"].values()) == {None}


def test_missed_threshold_fails_after_everything_is_written(controller: Controller) -> None:
    run = controller.run(profile="misses")
    assert (run.result["failed"], run.result["passed"]) == (True, False)
    assert "p95_ms is 87.4, its limit 50" in run.message
    assert controller.part("counters")["backend"]["requests"] == API_REQUESTS + PAGE_REQUESTS
    assert controller.part("cache")["hits"] == API_REQUESTS - 1


def test_missed_threshold_is_left_to_the_caller_on_request(controller: Controller) -> None:
    run = controller.run(profile="misses", fail_on_thresholds=False)
    assert (run.result["failed"], run.result["passed"]) == (False, False)
    assert run.result["thresholds"] == [{"name": "p95_ms", "limit": 50, "actual": 87.4, "passed": False}]


def test_check_mode_says_what_it_would_run_and_does_nothing(controller: Controller) -> None:
    options = {"accounts_file": "/nowhere/yet", "backend_url": "http://127.0.0.1:1", "python": "/nowhere/python"}
    run = controller.run("--check", seed=7, **options)
    assert run.result["changed"] is True
    assert run.message.startswith("Would run /nowhere/python -m loadtest run --profile passes")
    assert "--seed 7" in run.message
    assert run.result["command"][-2:] == ["--output", str(controller.run_dir / "parts" / "load.json")]
    assert not controller.run_dir.exists()
    assert controller.shop.requests.total() == 0


REFUSALS: list[tuple[dict[str, Any], list[str]]] = [
    ({"accounts_file": "/nowhere/accounts"}, ["accounts_file: there is no file /nowhere/accounts"]),
    ({"secret_file": "/nowhere/secret"}, ["secret_file: there is no file"]),
    ({"profile_file": "/nowhere/profile"}, ["profile_file: there is no file"]),
    ({"python": "/nowhere/python"}, ["python: there is no file"]),
    ({"python": str(ROOT / "LICENSE")}, ["python:", "cannot be run"]),
    ({"apps_dir": "/nowhere"}, ["apps_dir: /nowhere has no package loadtest"]),
    ({"run_dir": "/dev/null/run"}, ["run_dir: cannot make /dev/null/run/parts"]),
    ({"backend_url": "http://127.0.0.1:1"}, ["backend_url: http://127.0.0.1:1/health does not answer"]),
    ({"frontend_url": "http://127.0.0.1:1/"}, ["frontend_url: http://127.0.0.1:1/api/health does not answer"]),
    ({"daemon_url": "http://127.0.0.1:1"}, ["daemon_url: http://127.0.0.1:1/stats does not answer"]),
    ({"frontend_metrics_urls": ["http://127.0.0.1:1"]}, ["frontend_metrics_urls: http://127.0.0.1:1 does not"]),
    ({"profile": "unheard_of"}, ["profile: there is no profile 'unheard_of'; choose from passes, misses"]),
    ({"profile": None}, ["one of the following is required: profile, profile_file"]),
    ({"workers": "many"}, ["workers", "many"]),
]


@dataclass
class Refused:
    """What all refusals came to, in one playbook run."""

    runs: list[Run]
    controller: Controller


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refused]:
    with metered_shop() as shop:
        controller = make_controller(tmp_path_factory.mktemp("refused"), shop)
        yield Refused(controller.run_all(tries=[wrong for wrong, _words in REFUSALS]), controller)


@pytest.mark.parametrize("position", range(len(REFUSALS)))
def test_bad_option_fails_with_its_name(refused: Refused, position: int) -> None:
    run, (_wrong, words) = refused.runs[position], REFUSALS[position]
    assert run.result["failed"] is True
    for word in words:
        assert word in run.message


def test_bad_options_stop_before_the_load(refused: Refused) -> None:
    assert not refused.controller.run_dir.exists()
    assert refused.controller.shop.requests["/api/catalog/products"] == 0


def test_server_that_lacks_a_page_stops_before_the_load(controller: Controller) -> None:
    pages = {
        "/health": "backend_url",
        "/api/health": "frontend_url",
        "/metrics": "backend_metrics_urls",
        "/metrics/cache": "backend_url",
        "/stats": "daemon_url",
    }
    with ExitStack() as stack:
        shops = [stack.enter_context(metered_shop()) for _ in pages]
        for lacking, page in zip(shops, pages, strict=True):
            lacking.missing = {page}
        tries = [dict.fromkeys(("backend_url", "frontend_url", "daemon_url"), lacking.url) for lacking in shops]
        runs = controller.run_all(tries=tries)
    for run, lacking, (page, option) in zip(runs, shops, pages.items(), strict=True):
        assert run.message.startswith(f"{option}: {lacking.url}{page} does not answer (HTTP Error 404")
    assert not controller.run_dir.exists()


def test_record_is_never_overwritten(controller: Controller) -> None:
    _first, again = controller.run_all(tries=[{}, {"profile": "misses"}])
    assert "run_dir:" in again.message
    assert "never overwritten" in again.message
    assert controller.part("load")["passed"] is True


def test_generator_that_crashes_fails_with_the_end_of_its_log(controller: Controller) -> None:
    run = controller.run(profile="crashes")
    assert run.result["failed"] is True
    assert "ended with 1" in run.message
    assert "RuntimeError: out of ideas" in run.message
    assert "no JSON at all" in (controller.run_dir / "loadtest.log").read_text()


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
    assert (run.result.get("msg"), run.result["passed"]) == (None, True)
    assert controller.part("load")["profile"]["name"] == "short"
    assert run.result["summary"]["totals"] == controller.part("load")["totals"]
    assert " · 5 users · " in run.output


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie: in a container nobody may take those away."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_interrupted_playbook_leaves_no_generator(controller: Controller, number: signal.Signals) -> None:
    with controller.start(tries=[{"profile": "hangs"}]) as process:
        assert process.stdout is not None
        assert any(" rps" in line for line in process.stdout), "the load never began"
        pids = [int(pid) for pid in (controller.run_dir / "parts" / "pids").read_text().split()]
        assert all(map(is_running, pids))
        process.send_signal(number)
        process.stdout.read()
    deadline = time.monotonic() + 30
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, pids))


def test_options_are_as_documented() -> None:
    documented = yaml.safe_load(DOCUMENTATION)["options"]
    kept = ("type", "required", "default", "elements")
    assert {name: {key: option[key] for key in kept if key in option} for name, option in documented.items()} == {
        name: {key: option[key] for key in kept if key in option} for name, option in ARGUMENT_SPEC.items()
    }
