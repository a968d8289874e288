"""Bad input stops before anything is changed, and a killed run leaves nothing the next trips over."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import psutil
import pytest
from support.playbooks import Platform, process_platform


@pytest.fixture(scope="module")
def own(platform: Platform) -> Iterator[Platform]:
    """A platform of this module's own that shares the installed environment."""
    with process_platform("faults", platform.apps_environment) as mine:
        yield mine


def nothing_runs(platform: Platform) -> bool:
    return not list((platform.state_dir / "processes" / "conf.d").glob("*.conf"))


def test_taken_port_is_named_with_its_variable_before_anything_starts(own: Platform) -> None:
    with socket.create_server(("127.0.0.1", own.variables["deepobs_backend_port"])):
        played = own.play("site")
    assert played.return_code != 0
    assert "deepobs_backend_port" in played.output
    assert "in use by another program" in played.output
    assert nothing_runs(own)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("deepobs_platform", "mainframe"),
        ("stress_test_seed", "many"),
        ("backend_tracing", "perhaps"),
        ("container_insights_degraded", "shrug"),
        ("deepobs_backend_port", "four thousand"),
    ],
)
def test_wrong_variable_is_named_before_anything_changes(own: Platform, variable: str, value: str) -> None:
    played = own.play("site", "--skip-tags", "stress_test", **{variable: value})
    assert played.return_code != 0
    assert variable in played.output
    assert "postgresql" not in os.listdir(own.state_dir)


def test_unreachable_service_is_named_before_anything_changes(own: Platform) -> None:
    url = "redis://127.0.0.1:1/0"
    played = own.play("site", "--skip-tags", "stress_test", deepobs_redis_url=url)
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


@pytest.mark.parametrize("after_seconds", [2.5, 6, 9, 12, 16, 20])
def test_killed_run_is_followed_by_one_that_converges(own: Platform, after_seconds: float) -> None:
    own.play_and_kill("site", "--skip-tags", "stress_test", after_seconds=after_seconds)
    played = own.play("site", "--skip-tags", "stress_test")
    assert played.return_code == 0, played.output
    if after_seconds < 20:
        own.play("teardown", "--tags", "local_environment")


def test_killed_supervisor_leaves_no_orphan_and_the_next_run_converges(own: Platform) -> None:
    own.play("site", "--skip-tags", "stress_test")
    supervisor = psutil.Process(int((own.state_dir / "processes" / "supervisord.pid").read_text()))
    children = supervisor.children(recursive=True)
    os.kill(supervisor.pid, signal.SIGKILL)
    _gone, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    played = own.play("site", "--skip-tags", "stress_test")
    assert played.return_code == 0, played.output


def test_teardown_leaves_no_process(own: Platform) -> None:
    own.play("site", "--skip-tags", "stress_test")
    supervisor = psutil.Process(int((own.state_dir / "processes" / "supervisord.pid").read_text()))
    family = [supervisor, *supervisor.children(recursive=True)]
    played = own.play("teardown", "--tags", "local_environment")
    assert played.return_code == 0, played.output
    assert [process for process in family if process.is_running()] == []
    assert own.play("teardown", "--tags", "local_environment").changed() == []
