"""The agent as a program: a real supervisord's programs in, Container Insights' metrics out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.closable_front import ClosableFront
from support.localaws import CLIENT_ENVIRONMENT

APPS = Path(__file__).resolve().parents[4] / "apps"
CPU, MEMORY, RECEIVED, TRANSMITTED = (
    "pod_cpu_utilization",
    "pod_memory_utilization",
    "pod_network_rx_bytes",
    "pod_network_tx_bytes",
)


@pytest.fixture
def cluster_name() -> str:
    """A name of its own for each test's cluster: the account is shared."""
    return f"cluster-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def cloudwatch(aws_url: str) -> Any:
    return boto3.client(
        "cloudwatch",
        region_name="eu-west-1",
        endpoint_url=aws_url,
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def environment(front: ClosableFront, supervisor_url: str, cluster_name: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **CLIENT_ENVIRONMENT,
        "PYTHONPATH": str(APPS),
        "AWS_ENDPOINT_URL": front.url,
        "SUPERVISOR_URL": supervisor_url,
        "CLUSTER_NAME": cluster_name,
        "NAMESPACE": "ecommerce",
        "PUBLISH_INTERVAL_SECONDS": "0.2",
        "PODS": "backend,redis,postgresql",
    }


Start = Callable[[dict[str, str]], subprocess.Popen[str]]


@pytest.fixture
def start_agent() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(environment: dict[str, str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cloudwatchagent"]
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def metrics_page() -> Iterator[str]:
    """A page whose byte counters grow by 5,000 and 70,000 each time it is read."""

    class Handler(BaseHTTPRequestHandler):
        reads = 0

        def do_GET(self) -> None:
            Handler.reads += 1
            self.send_response(200)
            self.end_headers()
            lines = [
                "# TYPE http_network_receive_bytes_total counter",
                f'http_network_receive_bytes_total{{route="/a"}} {Handler.reads * 2000}',
                f'http_network_receive_bytes_total{{route="/b c"}} {Handler.reads * 3000}.0',
                f"http_network_transmit_bytes_total {Handler.reads * 7e4:e}",
            ]
            self.wfile.write("\n".join(lines).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    thread.join()
    server.server_close()


def published(cloudwatch: Any, cluster_name: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """The metrics of a cluster: names with dimensions."""
    filters = [{"Name": "ClusterName", "Value": cluster_name}]
    found = cloudwatch.list_metrics(Namespace="ContainerInsights", Dimensions=filters)["Metrics"]
    return {
        (metric["MetricName"], tuple((entry["Name"], entry["Value"]) for entry in metric["Dimensions"]))
        for metric in found
    }


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def pod_values(
    cloudwatch: Any, cluster_name: str, metric: str, pod: str, statistic: str = "Average"
) -> dict[datetime, float]:
    names = {"ClusterName": cluster_name, "Namespace": "ecommerce", "PodName": pod}
    dimensions = [{"Name": name, "Value": value} for name, value in names.items()]
    described = {"Namespace": "ContainerInsights", "MetricName": metric, "Dimensions": dimensions}
    now = datetime.now(UTC)
    (result,) = cloudwatch.get_metric_data(
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(seconds=5),
        MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": described, "Period": 1, "Stat": statistic}}],
    )["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


def test_pods_are_published_as_container_insights_does(
    cloudwatch: Any,
    cluster_name: str,
    environment: dict[str, str],
    start_agent: Start,
    metrics_page: str,
    redis_url: str,
) -> None:
    sources = {"POD_METRICS_URLS": f"backend={metrics_page}", "REDIS_URL": redis_url}
    agent = start_agent({**environment, **sources})
    names = {
        *((metric, pod) for metric in (CPU, MEMORY) for pod in ("backend", "redis", "postgresql")),
        *((metric, pod) for metric in (RECEIVED, TRANSMITTED) for pod in ("backend", "redis")),
    }
    cluster = (("ClusterName", cluster_name),)
    within = (*cluster, ("Namespace", "ecommerce"))
    expected = {
        (metric, dimensions)
        for metric, pod in names
        for dimensions in (
            cluster,
            within,
            tuple(sorted([*within, ("PodName", pod)])),
            tuple(sorted([*within, ("Service", pod)])),
        )
    }
    wait_until(lambda: published(cloudwatch, cluster_name) >= expected)
    agent.terminate()
    _, log = agent.communicate(timeout=20)
    assert agent.returncode == 0
    assert published(cloudwatch, cluster_name) == expected
    assert log.count("network of postgresql is not published: it keeps no byte counters") == 1

    def values(metric: str, pod: str) -> list[float]:
        return list(pod_values(cloudwatch, cluster_name, metric, pod).values())

    assert max(values(CPU, "backend")) > max(values(CPU, "redis"))
    assert all(0 <= value <= 100 for pod in ("backend", "redis") for value in values(CPU, pod))
    assert all(0 < value < 100 for value in values(MEMORY, "backend"))
    received, transmitted = values(RECEIVED, "backend"), values(TRANSMITTED, "backend")
    assert [sent / got for got, sent in zip(received, transmitted, strict=True)] == pytest.approx([14] * len(received))
    assert min(values(RECEIVED, "redis")) > 0


def test_values_are_kept_while_aws_is_away(
    cloudwatch: Any, cluster_name: str, environment: dict[str, str], start_agent: Start, front: ClosableFront
) -> None:
    front.is_open = False
    agent = start_agent(environment)
    front.wait_until_turned_away(5)
    reopened = datetime.now(UTC).replace(microsecond=0)
    front.is_open = True
    wait_until(lambda: bool(pod_values(cloudwatch, cluster_name, CPU, "backend")))
    assert min(pod_values(cloudwatch, cluster_name, CPU, "backend")) < reopened
    agent.terminate()
    _, log = agent.communicate(timeout=20)
    assert log.count("CloudWatch does not take metrics from the credentials of boto3's chain") == 1
    assert log.count("CloudWatch takes metrics again") == 1


def test_agent_waits_for_its_supervisor(environment: dict[str, str], start_agent: Start, tmp_path: Path) -> None:
    agent = start_agent({**environment, "SUPERVISOR_URL": f"unix://{tmp_path}/none.sock"})
    assert agent.stderr is not None
    lines = [agent.stderr.readline() for _ in range(2)]
    assert "nothing is published for now: supervisord at" in lines[1]
    for _again in range(100):
        agent.terminate()
    assert agent.wait(timeout=20) == 0
    assert agent.stderr.read() == ""


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_REGION", ""),
        ("AWS_ENDPOINT_URL", "nowhere"),
        ("CLUSTER_NAME", ""),
        ("NAMESPACE", ""),
        ("SUPERVISOR_URL", ""),
        ("SUPERVISOR_URL", "http://127.0.0.1:9001"),
        ("PUBLISH_INTERVAL_SECONDS", "often"),
        ("PUBLISH_INTERVAL_SECONDS", "0"),
        ("PUBLISH_INTERVAL_SECONDS", "nan"),
        ("POD_METRICS_URLS", "http://127.0.0.1:4000/metrics"),
        ("POD_METRICS_URLS", "backend=ftp://127.0.0.1/metrics"),
        ("REDIS_URL", "postgresql://127.0.0.1"),
    ],
)
def test_wrong_setting_ends_with_a_line_that_names_it(variable: str, value: str) -> None:
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("AWS_")},
        "PYTHONPATH": str(APPS),
        "AWS_REGION": "eu-west-1",
        "CLUSTER_NAME": "c",
        "NAMESPACE": "n",
        "SUPERVISOR_URL": "unix:///none.sock",
        variable: value,
    }
    command = [sys.executable, "-m", "cloudwatchagent"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert variable in ended.stderr
