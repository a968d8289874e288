"""Calls to an API server: which requests are sent, and what becomes of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import (
    Cluster,
    KubernetesError,
    Reference,
)
from kubernetes.client import ApiClient, Configuration
from support.http_thread import http_thread
from support.servers import free_port

SERVICE = Reference("Service", "daemon", "tracing")
POD = Reference("Pod", "daemon-1", "tracing")
MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "daemon", "namespace": "tracing"},
}


class _ApiServer(BaseHTTPRequestHandler):
    """Answers everything with `answer` and notes what it was asked."""

    answer: ClassVar[tuple[int, str]] = (200, "{}")
    asked: ClassVar[list[tuple[str, str, dict[str, str], str, bytes]]] = []

    def _answer(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content_type = self.headers.get("Content-Type", "")
        self.asked.append((self.command, target.path, dict(parse_qsl(target.query)), content_type, body))
        status, text = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


def _cluster(port: int) -> Iterator[Cluster]:
    configuration = Configuration(host=f"http://127.0.0.1:{port}")
    configuration.retries = False
    with ApiClient(configuration) as client:
        yield Cluster(client)


@pytest.fixture
def server() -> type[_ApiServer]:
    _ApiServer.answer = (200, "{}")
    _ApiServer.asked = []
    return _ApiServer


@pytest.fixture
def cluster(server: type[_ApiServer]) -> Iterator[Cluster]:
    with http_thread(server) as port:
        yield from _cluster(port)


def _refused(status: int, message: str) -> tuple[int, str]:
    return status, json.dumps({"kind": "Status", "message": message, "code": status})


def test_apply_is_server_side_with_its_own_field_manager(cluster: Cluster, server: type[_ApiServer]) -> None:
    cluster.apply(MANIFEST, dry_run=True)
    cluster.apply(MANIFEST, force=True)
    path = "/api/v1/namespaces/tracing/services/daemon"
    own = {"fieldManager": "deepobs.eks"}
    patch = "application/apply-patch+yaml"
    assert [(*asked[:4], json.loads(asked[4])) for asked in server.asked] == [
        ("PATCH", path, own | {"force": "false", "dryRun": "All"}, patch, MANIFEST),
        ("PATCH", path, own | {"force": "true"}, patch, MANIFEST),
    ]


def test_find_selects_by_labels(cluster: Cluster, server: type[_ApiServer]) -> None:
    server.answer = (200, json.dumps({"items": [{"metadata": {"name": "a"}}]}))
    assert cluster.find("Pod", "tracing", {"app": "x", "tier": "y"}) == [{"metadata": {"name": "a"}}]
    assert server.asked[0][1:3] == ("/api/v1/namespaces/tracing/pods", {"labelSelector": "app=x,tier=y"})


def test_what_is_not_there_is_none_and_deleting_it_is_nothing(cluster: Cluster, server: type[_ApiServer]) -> None:
    server.answer = _refused(404, 'services "daemon" not found')
    assert cluster.get(SERVICE) is None
    assert cluster.find("Service", "tracing") == []
    cluster.delete(SERVICE)
    assert server.asked[-1][2] == {"propagationPolicy": "Background"}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "Give credentials"), (403, "access entry"), (429, "run again later"), (422, "")],
)
def test_refusal_says_what_was_tried_why_not_and_what_to_do(
    cluster: Cluster, server: type[_ApiServer], status: int, remedy: str
) -> None:
    server.answer = _refused(status, "it is forbidden")
    with pytest.raises(KubernetesError) as failed:
        cluster.get(SERVICE)
    assert failed.value.message.startswith("Failed to read Service tracing/daemon: it is forbidden.")
    assert remedy in failed.value.message
    assert (failed.value.status, failed.value.said) == (status, "it is forbidden")


def test_refusal_that_is_no_status_object_is_told_as_it_is(cluster: Cluster, server: type[_ApiServer]) -> None:
    server.answer = (502, "bad gateway")
    with pytest.raises(KubernetesError, match="bad gateway"):
        cluster.post_to_pod(POD, 2000, "GetSamplingRules", {})
    assert server.asked[0][1] == "/api/v1/namespaces/tracing/pods/daemon-1:2000/proxy/GetSamplingRules"


def test_log_that_cannot_be_had_is_empty(cluster: Cluster, server: type[_ApiServer]) -> None:
    server.answer = _refused(400, "container is waiting to start")
    assert cluster.log(POD, 5) == ""
    server.answer = (200, "one\ntwo\n")
    assert cluster.log(POD, 2, previous=True) == "one\ntwo\n"
    assert server.asked[-1][2] == {"tailLines": "2", "previous": "true"}


def test_api_server_that_cannot_be_reached_is_told_with_a_remedy() -> None:
    for cluster in _cluster(free_port()):
        with pytest.raises(KubernetesError, match=r"cannot be reached .*kubeconfig"):
            cluster.get(SERVICE)
