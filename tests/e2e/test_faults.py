"""Bad input stops before anything is changed, and a killed run leaves nothing the next trips over."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.playbooks import Platform, process_platform

NO_LOAD = ("--skip-tags", "stress_test")
BRIEF = {
    "name": "brief",
    "stages": [{"duration_seconds": 0, "users": 10}, {"duration_seconds": 8, "users": 10}],
    "think_time_seconds": [0.1, 0.3],
    "mix": {"products": 30, "categories": 15, "search": 15, "account": 20, "storefront": 20},
    "thresholds": {"error_rate": 0},
}


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform of this module's own that shares the installed environment."""
    with process_platform("faults") as mine:
        yield mine


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one that ended counts no more, even where the machine's first process does not reap."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def shop(own: Platform) -> Platform:
    """The module's platform with the shop on it, as the test before may have left it."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", own.variables["deepobs_frontend_port"])) != 0:
            played = own.play("site", *NO_LOAD)
            assert played.return_code == 0, played.output
    return own


def nothing_runs(platform: Platform) -> bool:
    return not list((platform.state_dir / "processes" / "conf.d").glob("*.conf"))


def test_taken_port_is_named_with_its_variable_before_anything_starts(own: Platform) -> None:
    with socket.create_server(("127.0.0.1", own.variables["deepobs_backend_port"])):
        played = own.play("site")
    assert played.return_code != 0
    assert "deepobs_backend_port" in played.output
    assert "in use by another program" in played.output
    assert nothing_runs(own)


def test_unknown_platform_is_named_before_anything_changes(own: Platform) -> None:
    played = own.play("site", *NO_LOAD, deepobs_platform="mainframe")
    assert played.return_code != 0
    assert "deepobs_platform must be one of: process, kubernetes, got: mainframe" in played.output
    assert nothing_runs(own)


def test_wrong_variables_are_all_named_in_one_message_before_anything_changes(own: Platform) -> None:
    wrong = {"stress_test_seed": "many", "backend_tracing": "perhaps", "container_insights_degraded": "shrug"}
    played = own.play("site", *NO_LOAD, **wrong)
    assert played.return_code != 0
    message = played.output.rpartition("Set these variables right")[2]
    for variable in wrong:
        assert variable in message
    assert "postgresql" not in os.listdir(own.state_dir)


def test_unreachable_service_is_named_before_anything_changes(own: Platform) -> None:
    url = "redis://127.0.0.1:1/0"
    played = own.play("site", *NO_LOAD, deepobs_redis_url=url)
    assert played.return_code != 0
    assert "deepobs_redis_url names a service that does not answer" in played.output
    assert "postgresql" not in os.listdir(own.state_dir)


def test_missing_cluster_is_named_with_its_remedy(own: Platform) -> None:
    assert own.play("preflight").return_code == 0
    played = own.play("observability", "--list-hosts")
    assert played.return_code == 0
    played = own.play("preflight", "--tags", "preflight", "--skip-tags", "always", deepobs_cluster_name="nowhere")
    assert played.return_code != 0
    assert "set deepobs_cluster_name and deepobs_region" in played.output


def test_missing_credentials_are_named_with_their_remedy(own: Platform) -> None:
    nobody = {
        "AWS_ENDPOINT_URL": own.url("aws"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
    }
    arguments = ("--tags", "preflight", "--skip-tags", "always")
    played = own.play("preflight", *arguments, deepobs_environment=nobody)
    assert played.return_code != 0
    assert "set AWS_PROFILE or AWS_ACCESS_KEY_ID" in played.output


def test_runs_killed_at_one_task_after_the_other_are_mended_by_the_next(own: Platform) -> None:
    for task in (
        "Keep the roles and their trust, or take them away",
        "Initialise the database's folder",
        "Bring the tables and the catalogue up to date",
        "Run the API",
    ):
        own.play_and_kill("site", *NO_LOAD, at_task=task, after_seconds=0.6)
    played = own.play("site", *NO_LOAD)
    assert played.return_code == 0, played.output


def test_killed_load_test_ends_with_its_generator_and_the_next_one_is_whole(shop: Platform, tmp_path: Path) -> None:
    profile = tmp_path / "brief.json"
    profile.write_text(json.dumps(BRIEF))
    load = {"stress_test_profile_file": str(profile)}
    shop.play_and_kill("stress_test", at_task="Run the load test", after_seconds=3, **load)
    mine = [process for process in psutil.process_iter(["cmdline"]) if str(profile) in (process.info["cmdline"] or [])]
    psutil.wait_procs(mine, timeout=20)
    assert [process for process in mine if alive(process)] == []
    played = shop.play("stress_test", **load)
    assert played.return_code == 0, played.output
    record = json.loads((shop.runs_dir / "latest" / "run.json").read_text())
    assert record["result"]["requests"] > 0
    assert record["traces"]["count"] == record["result"]["requests"]


def test_killed_supervisor_leaves_no_orphan_and_the_next_run_converges(shop: Platform) -> None:
    supervisor = psutil.Process(int((shop.state_dir / "processes" / "supervisord.pid").read_text()))
    children = supervisor.children(recursive=True)
    os.kill(supervisor.pid, signal.SIGKILL)
    psutil.wait_procs(children, timeout=30)
    assert [process for process in children if alive(process)] == []
    played = shop.play("site", *NO_LOAD)
    assert played.return_code == 0, played.output


def test_teardown_leaves_no_process(shop: Platform) -> None:
    supervisor = psutil.Process(int((shop.state_dir / "processes" / "supervisord.pid").read_text()))
    family = [supervisor, *supervisor.children(recursive=True)]
    played = shop.play("teardown", "--tags", "local_environment")
    assert played.return_code == 0, played.output
    assert [process for process in family if alive(process)] == []
    assert shop.play("teardown", "--tags", "local_environment").changed() == []
