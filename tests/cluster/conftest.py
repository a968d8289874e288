"""The cluster that the tests run on: one of their own, or the one that KUBECONFIG names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config

from cluster import machine
from cluster.layout import Layout
from cluster.processes import environment
from cluster.running import Namespace, RunningCluster

STARTS_WITHIN_SECONDS = 1800  # where it must be built first


def cluster_command(layout: Layout, command: str) -> None:
    """Runs `python -m cluster`, so that none of its processes is a child of the tests."""
    program = [sys.executable, "-m", "cluster", "--name", layout.name, command]
    subprocess.run(program, check=True, env=environment(), timeout=STARTS_WITHIN_SECONDS)


@pytest.fixture(scope="session")
def layout() -> Iterator[Layout]:
    """A cluster of the tests' own, which they stop, or one that `make cluster` started where KUBECONFIG names it."""
    own = Layout.of("test")
    if "KUBECONFIG" in os.environ:
        named = Layout(Path(os.environ["KUBECONFIG"]).parent)
        if named != Layout.of(named.name):
            pytest.skip("this is about the project's own cluster, and KUBECONFIG names another one")
        yield named
        return
    if reasons := machine.lacks(own):
        pytest.skip("no cluster can run here: " + "; ".join(reasons))
    cluster_command(own, "up")
    try:
        yield own
    finally:
        cluster_command(own, "down")


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[RunningCluster]:
    """The cluster, whoever made it."""
    given = os.environ.get("KUBECONFIG")
    if given is None:
        own: Layout = request.getfixturevalue("layout")
        file, kubectl = own.kubeconfig, own.programs / "kubectl"
    else:
        file, kubectl = Path(given), Path("kubectl")
    image = {"probe_image": os.environ["DEEPOBS_PROBE_IMAGE"]} if "DEEPOBS_PROBE_IMAGE" in os.environ else {}
    with config.new_client_from_config(str(file)) as api:
        yield RunningCluster(file, kubectl, api, **image)


@pytest.fixture
def namespace(running: RunningCluster) -> Iterator[Namespace]:
    with running.namespace("test") as made:
        yield made
