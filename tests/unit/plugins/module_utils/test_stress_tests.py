"""A stress test from start to end: a generator as a real child, a server that counts what it is asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.stress_tests import (
    StressTest,
    StressTestError,
    failed_thresholds,
    stress,
    write_json,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from support.documented import differences, return_documentation
from support.fake_generator import API_REQUESTS, PAGE_REQUESTS
from support.metered_shop import MeteredShop, metered_shop
from support.stress_options import stress_options

ROOT = Path(__file__).resolve().parents[4]
AT_ONCE = Stopwatch(sleep=lambda _seconds: time.sleep(0))


@dataclass
class Stress:
    """The options of a test against a shop of its own, and what was shown while it ran."""

    folder: Path
    shop: MeteredShop
    options: dict[str, Any]
    shown: list[str] = field(default_factory=list)

    def test(self, **options: Any) -> StressTest:
        return StressTest({**self.options, **options})

    def run(self, **options: Any) -> dict[str, Any]:
        return stress(self.test(**options), self.shown.append, AT_ONCE)

    def refusal(self, **options: Any) -> str:
        with pytest.raises(StressTestError) as caught:
            self.run(**options)
        return str(caught.value)

    @property
    def run_dir(self) -> Path:
        return Path(self.options["run_dir"])

    def part(self, name: str) -> dict[str, Any]:
        part: dict[str, Any] = json.loads((self.run_dir / "parts" / f"{name}.json").read_text())
        return part


def make_stress(folder: Path, shop: MeteredShop) -> Stress:
    left_out = ("profile_file", "secret_file", "seed", "workers", "backend_metrics_urls", "frontend_metrics_urls")
    options = {**dict.fromkeys(left_out), "settle_seconds": 15, **stress_options(folder, shop.url)}
    return Stress(folder, shop, options)


@pytest.fixture
def shop() -> Iterator[MeteredShop]:
    with metered_shop() as running:
        yield running


@pytest.fixture
def one(tmp_path: Path, shop: MeteredShop) -> Stress:
    return make_stress(tmp_path, shop)


def test_result_is_as_documented_and_equals_the_parts(one: Stress) -> None:
    result = one.run()
    assert result.pop("settled") is True
    assert differences(return_documentation("stress_test"), result) == []
    assert (result["changed"], result["passed"], result["run_dir"]) == (True, True, str(one.run_dir))
    assert (result["counters"], result["cache"]) == (one.part("counters"), one.part("cache"))
    assert result["summary"]["totals"] == one.part("load")["totals"]
    assert sorted(path.name for path in one.run_dir.rglob("*")) == [
        "cache.json",
        "counters.json",
        "load.json",
        "loadtest.log",
        "parts",
    ]


def test_progress_is_shown_while_it_runs(one: Stress) -> None:
    one.run()
    assert [line.split(" s ·")[0].strip() for line in one.shown] == ["0/60", "34/60", "60/60"]


def test_counters_are_those_of_the_load_alone(one: Stress) -> None:
    for _ in range(3):
        one.shop.answer("/api/catalog/products")
    one.run()
    sent = API_REQUESTS + PAGE_REQUESTS
    tier = {"requests": sent, "routes": {"GET /api/catalog/products": API_REQUESTS, "GET /products": PAGE_REQUESTS}}
    assert one.part("counters") == {
        "backend": tier,
        "frontend": tier,
        "daemon": {"received": sent, "sent": sent, "dropped": 0, "malformed": 0, "rejected": 0, "queued": 0},
        "segments": {"backend_sent": sent, "backend_dropped": 0, "frontend_sent": sent, "frontend_dropped": 0},
    }
    cache = one.part("cache")
    assert (cache["hits"], cache["misses"], cache["hit_rate"], cache["total"]) == (API_REQUESTS, 0, 1.0, API_REQUESTS)


def test_replicas_are_summed(one: Stress) -> None:
    with metered_shop() as second:
        urls = [f"{one.shop.url}/metrics", f"{second.url}/metrics"]
        counters = one.run(backend_metrics_urls=urls, frontend_url=second.url)["counters"]
    assert counters["backend"]["routes"] == {
        "GET /api/catalog/products": API_REQUESTS,
        "GET /products": PAGE_REQUESTS,
    }
    assert counters["frontend"]["routes"] == {"GET /products": PAGE_REQUESTS}


def test_without_tracing_and_daemon_their_counters_are_null(one: Stress) -> None:
    one.shop.traces = False
    counters = one.run(daemon_url=None)["counters"]
    assert counters["daemon"] is None
    assert set(counters["segments"].values()) == {None}


def test_counters_that_had_no_time_to_settle_are_told_to(one: Stress) -> None:
    assert one.run(settle_seconds=0)["settled"] is False


def test_missed_thresholds_are_a_result_with_everything_written(one: Stress) -> None:
    result = one.run(profile="misses")
    assert result["passed"] is False
    assert result["thresholds"] == [{"name": "p95_ms", "limit": 50, "actual": 87.4, "passed": False}]
    assert one.part("counters")["backend"]["requests"] == API_REQUESTS + PAGE_REQUESTS
    assert one.part("cache")["hits"] == API_REQUESTS - 1


def test_record_is_never_overwritten(one: Stress) -> None:
    one.run()
    assert one.refusal(profile="misses").startswith(f"run_dir: {one.run_dir}/parts/load.json is there already")
    assert one.part("load")["passed"] is True


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "accounts": ({"accounts_file": "/nowhere/accounts"}, "accounts_file: there is no file /nowhere/accounts; create"),
    "secret": ({"secret_file": "/nowhere/secret"}, "secret_file: there is no file"),
    "profile": ({"profile_file": "/nowhere/profile"}, "profile_file: there is no file"),
    "python": ({"python": "/nowhere/python"}, "python: there is no file"),
    "a text for python": ({"python": str(ROOT / "LICENSE")}, f"python: {ROOT}/LICENSE cannot be run"),
    "apps": ({"apps_dir": "/nowhere"}, "apps_dir: /nowhere has no package loadtest"),
    "run": ({"run_dir": "/dev/null/run"}, "run_dir: cannot make /dev/null/run/parts (Not a directory)"),
    "backend": ({"backend_url": "http://127.0.0.1:1"}, "backend_url: http://127.0.0.1:1/health does not answer"),
    "frontend": ({"frontend_url": "http://127.0.0.1:1/"}, "frontend_url: http://127.0.0.1:1/api/health does not"),
    "daemon": ({"daemon_url": "http://127.0.0.1:1"}, "daemon_url: http://127.0.0.1:1/stats does not answer"),
    "metrics": ({"frontend_metrics_urls": ["http://127.0.0.1:1"]}, "frontend_metrics_urls: http://127.0.0.1:1 does"),
    "a profile": ({"profile": "unheard_of"}, "profile: there is no profile 'unheard_of'; choose from passes, misses"),
}


@pytest.mark.parametrize(("wrong", "message"), REFUSALS.values(), ids=REFUSALS)
def test_bad_option_is_named_before_the_load_and_leaves_no_trace(
    one: Stress, wrong: dict[str, Any], message: str
) -> None:
    assert one.refusal(**wrong).startswith(message)
    assert not one.run_dir.exists()
    assert one.shop.requests["/api/catalog/products"] == 0


@pytest.mark.parametrize(
    ("page", "option"),
    [
        ("/health", "backend_url"),
        ("/api/health", "frontend_url"),
        ("/metrics", "backend_metrics_urls"),
        ("/metrics/cache", "backend_url"),
        ("/stats", "daemon_url"),
    ],
)
def test_server_that_lacks_a_page_stops_before_the_load(one: Stress, page: str, option: str) -> None:
    one.shop.missing = {page}
    assert one.refusal().startswith(f"{option}: {one.shop.url}{page} does not answer (HTTP Error 404")
    assert not one.run_dir.exists()


def test_refused_test_keeps_what_was_in_its_folder_before(one: Stress) -> None:
    one.run_dir.mkdir(parents=True)
    (one.run_dir / "notes.txt").write_text("mine")
    assert "unheard_of" in one.refusal(profile="unheard_of")
    assert [path.name for path in one.run_dir.iterdir()] == ["notes.txt"]


def test_generator_that_crashes_is_told_with_the_end_of_its_log(one: Stress) -> None:
    message = one.refusal(profile="crashes")
    assert message.startswith(f"The load generator ended with 1; the end of {one.run_dir}/loadtest.log:\n")
    assert "RuntimeError: out of ideas" in message


@pytest.mark.parametrize(
    "source", ["", "import sys; open(sys.argv[-1], 'w').write('half a rec')"], ids=["none", "unreadable"]
)
def test_generator_without_a_record_that_can_be_read_fails(one: Stress, source: str) -> None:
    (one.folder / "apps" / "loadtest" / "__main__.py").write_text(source)
    assert one.refusal().startswith("The load generator left no record that can be read: ")


def test_command_passes_what_is_given_and_nothing_else(one: Stress) -> None:
    options = {"seed": 7, "workers": 0, "secret_file": "/secret", "run_dir": "relative/run"}
    assert one.test(**options).command == [
        *(sys.executable, "-m", "loadtest", "run", "--profile", "passes"),
        *("--frontend-url", one.shop.url, "--backend-url", one.shop.url),
        *("--accounts-file", one.options["accounts_file"], "--secret-file", "/secret"),
        *("--seed", "7", "--workers", "0", "--output", str(Path.cwd() / "relative/run/parts/load.json")),
    ]


def test_profile_of_ones_own_goes_first(one: Stress) -> None:
    command = one.test(profile_file="/my/profile.json").command
    assert command[4:6] == ["--profile-file", "/my/profile.json"]
    assert "--profile" not in command


def test_counters_are_read_from_the_addresses_under_load_unless_others_are_given(one: Stress) -> None:
    sources = one.test(backend_url="http://b/", frontend_url="http://f", daemon_url=None).sources
    assert sources.backend_metrics_urls == ("http://b/metrics",)
    assert sources.frontend_metrics_urls == ("http://f/metrics",)
    assert (sources.cache_url, sources.daemon_url) == ("http://b/metrics/cache", None)
    given = one.test(backend_metrics_urls=["http://b1", "http://b2"], frontend_metrics_urls=["http://f1"]).sources
    assert given.backend_metrics_urls == ("http://b1", "http://b2")
    assert given.frontend_metrics_urls == ("http://f1",)


def test_failed_thresholds_are_told_without_those_that_hold() -> None:
    thresholds = [
        {"name": "p95_ms", "limit": 50, "actual": 87.4, "passed": False},
        {"name": "error_rate", "limit": 0.01, "actual": 0.0, "passed": True},
        {"name": "p99_ms", "limit": 100, "actual": 130.2, "passed": False},
    ]
    assert failed_thresholds(thresholds) == (
        "The stress test missed its thresholds: p95_ms is 87.4, its limit 50; p99_ms is 130.2, its limit 100. "
        "All its files are written."
    )


def test_json_is_written_whole_and_readable_by_all(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_text("old")
    write_json(path, {"a": [1]})
    assert path.read_text() == '{\n "a": [\n  1\n ]\n}\n'
    assert path.stat().st_mode & 0o777 == 0o644
    assert [*tmp_path.iterdir()] == [path]


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert path.read_text() == "old"
