"""Where spans go and where sampling rules come from, as the environment says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.admin import Admin
from support.clients import Clients
from support.segments import sampling_rule
from tracing import SettingsError, Tracing, TracingSettings
from tracing.opentelemetry.endpoint import Endpoint, endpoint_from

TRACES, BASE = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, Endpoint("https://xray.eu-west-1.amazonaws.com/v1/traces", "eu-west-1")),
        (
            {"AWS_DEFAULT_REGION": "cn-north-1"},
            Endpoint("https://xray.cn-north-1.amazonaws.com.cn/v1/traces", "cn-north-1"),
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:14566/"},
            Endpoint("http://127.0.0.1:14566/v1/traces", "eu-west-1"),
        ),
        (
            {TRACES: "https://xray.us-east-1.amazonaws.com/v1/traces"},
            Endpoint("https://xray.us-east-1.amazonaws.com/v1/traces", "us-east-1"),
        ),
        ({BASE: "http://collector:4318/"}, Endpoint("http://collector:4318/v1/traces", None)),
        ({BASE: "http://unused", TRACES: "http://collector/x"}, Endpoint("http://collector/x", None)),
        ({BASE: "https://xray.example.com"}, Endpoint("https://xray.example.com/v1/traces", None)),
    ],
)
def test_endpoint_is_xrays_own_unless_another_is_named(environ: dict[str, str], expected: Endpoint) -> None:
    assert endpoint_from(environ) == expected


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({BASE: "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is 'collector:4318'"),
        ({TRACES: "grpc://collector"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is 'grpc://collector'"),
        ({BASE: "http://collector", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"),
        ({BASE: "http://collector", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon"}, "OTLP_TRACES_TIMEOUT is 'soon'"),
        ({"AWS_REGION": "no region"}, "AWS_REGION is 'no region'"),
        ({}, "AWS_REGION is not set"),
    ],
)
def test_what_cannot_be_used_is_named(
    environ: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=told):
        endpoint_from(environ)


OWN, COLLECTOR = {"TRACING": "opentelemetry", "AWS_REGION": "eu-west-1"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}
DAEMON = {"AWS_XRAY_DAEMON_ADDRESS": "10.0.0.1:2000"}


@pytest.mark.parametrize(
    ("environ", "rules_from"),
    [
        (OWN, None),
        (OWN | DAEMON, ("10.0.0.1", 2000)),
        (OWN | COLLECTOR, ("127.0.0.1", 2000)),
        (OWN | COLLECTOR | DAEMON, ("10.0.0.1", 2000)),
    ],
)
def test_rules_come_from_the_api_unless_somebody_stands_between(
    environ: dict[str, str], rules_from: tuple[str, int] | None
) -> None:
    settings = TracingSettings.from_environment(environ, "shop")
    assert (settings.mode, settings.tcp_address) == ("opentelemetry", rules_from)
    assert settings.endpoint == endpoint_from(environ)


def test_endpoint_is_not_looked_for_by_other_modes() -> None:
    settings = TracingSettings.from_environment({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "shop")
    assert (settings.mode, settings.endpoint) == ("xray", None)


def test_rules_of_the_account_are_asked_for_signed(aws: Clients) -> None:
    aws.xray.create_sampling_rule(SamplingRule=sampling_rule(RuleName="none", FixedRate=0.0, ReservoirSize=0))
    settings = TracingSettings.from_environment({**os.environ, "TRACING": "opentelemetry"}, "shop")
    tracing = Tracing(settings)
    tracing.start(wait_seconds=10)
    segment = tracing.open({"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
    tracing.stop()
    assert segment.sampled is False
    assert any(call["operation"] == "GetSamplingRules" for call in Admin(os.environ["AWS_ENDPOINT_URL"]).calls())


@pytest.mark.parametrize("mode", ["xray", "off"])
def test_other_modes_do_not_even_import_opentelemetry(mode: str) -> None:
    program = (
        "import sys; from tracing import Tracing, TracingSettings as Settings;"
        f"Tracing(Settings.from_environment({{'TRACING': '{mode}'}}, 'shop'));"
        "sys.exit('opentelemetry' in sys.modules)"
    )
    apps = Path(__file__).resolve().parents[4] / "apps"
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(apps)}, check=True, timeout=60)
