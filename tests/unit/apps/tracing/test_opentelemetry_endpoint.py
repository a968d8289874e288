"""Where spans go, as the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracing import SettingsError
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
