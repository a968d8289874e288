"""The cluster that the tests run on: one of their own, or the one that KUBECONFIG names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT, localaws_server

from cluster import machine
from cluster.aws import AUDIENCE
from cluster.layout import ISSUER, REGION, Layout
from cluster.lifecycle import registry_name
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


@pytest.fixture(scope="session")
def aws_url(layout: Layout, running: RunningCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The AWS stand-in, which knows this cluster by the API server's own key set."""
    folder = tmp_path_factory.mktemp("localaws")
    issuer = {
        "url": ISSUER,
        "jwks_url": f"{running.api.configuration.host}/openid/v1/jwks",
        "ca_file": str(layout.keys / "ca.crt"),
    }
    seed = {"region": REGION, "clusters": [{"name": "shop", "oidc_issuer": issuer}]}
    with localaws_server(folder, seed) as url:
        yield url


@pytest.fixture(scope="session")
def aws(aws_url: str) -> Iterator[Clients]:
    options = {"endpoint_url": aws_url, "region_name": REGION, "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    clients = Clients(**options, aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
    clients.iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=[AUDIENCE])
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def registry(layout: Layout) -> str:
    """The cluster's registry, by the name that this machine and its nodes know it by."""
    return registry_name(layout)
