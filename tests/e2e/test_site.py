"""The whole main job on the process platform, in the order a user meets it: check, run, run again, load, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report.trace_tree import join, length
from support.accounts import account
from support.browser import chromium
from support.playbooks import Platform, Played

NO_LOAD = ("--skip-tags", "stress_test")


def running(platform: Platform) -> set[str]:
    """The names of the supervised processes that are defined."""
    return {path.stem for path in (platform.state_dir / "processes" / "conf.d").glob("*.conf")}


@pytest.fixture(scope="module")
def checked(platform: Platform) -> dict[str, Any]:
    """What a check before the first run showed, and what it left."""
    before = account(platform)
    played = platform.play("site", "--check", "--diff")
    return {"played": played, "before": before, "after": account(platform), "running": running(platform)}


@pytest.fixture(scope="module")
def converged(checked: dict[str, Any], platform: Platform) -> Platform:
    """The platform after its first real run."""
    played = platform.play("site", *NO_LOAD)
    assert played.return_code == 0, played.output
    assert played.changed()
    return platform


@pytest.fixture(scope="module")
def loaded(converged: Platform) -> Played:
    """The second run, with the demonstration's load."""
    played = converged.play("site")
    assert played.return_code == 0, played.output
    return played


@pytest.fixture(scope="module")
def measured(loaded: Played, converged: Platform) -> Path:
    """The folder that the load's run left."""
    return converged.runs_dir / "latest"


REPORT_TASKS = [
    "deepobs.eks.report : Join the record and render the page",
    "deepobs.eks.report : Point latest at the run",
]


@pytest.fixture(scope="module")
def record(measured: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((measured / "run.json").read_text())
    return read


def test_check_mode_shows_the_plan_and_succeeds(checked: dict[str, Any]) -> None:
    played = checked["played"]
    assert played.return_code == 0, played.output
    for planned in ("amazon-cloudwatch-observability", "system:serviceaccount:xray-daemon:xray-daemon", "deepobs-shop"):
        assert planned in played.output


def test_check_mode_leaves_the_account_as_it_was(checked: dict[str, Any]) -> None:
    assert checked["after"] == checked["before"]


def test_check_mode_starts_nothing_and_leaves_no_run(checked: dict[str, Any], platform: Platform) -> None:
    assert checked["running"] == {"localaws", "xray-daemon"}
    assert not (platform.state_dir / "postgresql").exists()
    assert not platform.runs_dir.exists()


def test_second_run_changes_nothing_but_the_stress_tests_own(loaded: Played) -> None:
    assert loaded.changed(outside="deepobs.eks.stress_test") == REPORT_TASKS


def test_check_mode_after_the_run_says_unchanged(converged: Platform) -> None:
    played = converged.play("site", "--check", *NO_LOAD)
    assert played.return_code == 0, played.output
    assert played.changed() == []


def test_demo_reaches_its_figures(record: dict[str, Any]) -> None:
    assert record["traces"]["count"] >= 1700
    assert record["result"]["error_rate"] == 0
    assert record["cache"]["hit_rate"] > 0.99
    assert record["result"]["passed"]


def test_demo_joins_every_tier_in_its_service_map(record: dict[str, Any]) -> None:
    edges = {(edge["source"], edge["target"]) for edge in record["service_graph"]["edges"]}
    assert {
        ("client", "ecommerce-frontend"),
        ("ecommerce-frontend", "ecommerce-backend"),
        ("ecommerce-backend", "redis"),
        ("ecommerce-backend", "postgresql"),
    } <= edges


def test_one_request_is_drawn_through_every_tier_with_times_that_add_up(record: dict[str, Any]) -> None:
    [trace] = record["example_traces"]
    tree = join(trace["segments"])
    names = {node.part["name"] for node in tree.nodes}
    assert names >= {"ecommerce-frontend", "ecommerce-backend", "redis", "postgresql"}
    assert sum(length(node.own) for node in tree.nodes) == pytest.approx(tree.sums.duration, rel=0.05)


def test_sums_agree(record: dict[str, Any], measured: Path) -> None:
    """At 100 % sampling each request of the load is one trace, and each request of a tier one segment."""
    counters = json.loads((measured / "parts" / "counters.json").read_text())
    by_tier = {"backend": 0, "frontend": 0}
    for route in record["result"]["routes"]:
        by_tier[route["tier"]] += route["requests"]
    assert sum(by_tier.values()) == record["result"]["requests"]
    assert counters["frontend"]["requests"] == by_tier["frontend"]
    assert record["traces"]["count"] == record["result"]["requests"]
    assert counters["segments"]["backend_sent"] == counters["backend"]["requests"]
    assert counters["segments"]["frontend_sent"] == counters["frontend"]["requests"]
    assert counters["daemon"]["sent"] == counters["daemon"]["received"]


def test_pod_metrics_of_every_measured_process_are_there(record: dict[str, Any]) -> None:
    seen = {(row["metric"], row["dimensions"]["PodName"]) for row in record["metrics"]["metrics"] if row["values"]}
    for pod in ("backend", "frontend", "redis", "postgresql"):
        assert ("pod_cpu_utilization", pod) in seen
        assert ("pod_memory_utilization", pod) in seen
    for pod in ("backend", "frontend", "redis"):
        assert ("pod_network_rx_bytes", pod) in seen
        assert ("pod_network_tx_bytes", pod) in seen


def test_playbook_shows_progress_and_ends_with_the_figures(loaded: Played) -> None:
    assert loaded.output.count(" users · ") >= 20
    figures = loaded.output.rpartition("Show the figures")[2]
    for name in (
        "traces captured",
        "requests/s",
        "p50 / p95 / p99",
        "error rate",
        "cache hit rate",
        "cost of this test",
    ):
        assert name in figures
    assert "report.html" in figures


def test_status_tells_what_is_traced(measured: Path, converged: Platform) -> None:
    played = converged.play("status")
    assert played.return_code == 0, played.output
    assert "ecommerce-frontend -> ecommerce-backend" in played.output


def test_report_opens_from_disk_and_shows_the_record(measured: Path, record: dict[str, Any]) -> None:
    requests: list[str] = []
    problems: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto((measured / "report.html").resolve().as_uri())
        page.wait_for_load_state("networkidle")
        shown = page.eval_on_selector_all("[data-key]", "nodes => nodes.map(n => [n.dataset.key, n.dataset.value])")
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    values = dict(shown)
    for key in ("result.requests", "result.latency_ms.p95", "traces.count", "cache.hit_rate", "cost.this_test_usd"):
        assert float(values[key]) == pytest.approx(_at(record, key)), key


def _at(record: dict[str, Any], key: str) -> float:
    value: Any = record
    for part in key.split("."):
        value = value[part]
    return float(value)
