"""Settings of tracing from environment variables."""

from __future__ import annotations

import pytest
from tracing import SettingsError, TracingSettings

LOCAL = ("127.0.0.1", 2000)


def test_defaults_hold_where_nothing_is_set() -> None:
    settings = TracingSettings.from_environment({}, "shop")
    assert settings == TracingSettings("shop", "xray", LOCAL, LOCAL, trust_incoming_sampled=False)
    assert "/health" in settings.untraced_paths


@pytest.mark.parametrize(
    ("text", "udp", "tcp"),
    [
        ("10.0.0.1:3000", ("10.0.0.1", 3000), ("10.0.0.1", 3000)),
        ("tcp:a:1 udp:b:2", ("b", 2), ("a", 1)),
        ("[::1]:2000", ("::1", 2000), ("::1", 2000)),
    ],
)
def test_daemon_address_is_read_as_the_sdks_do(text: str, udp: tuple[str, int], tcp: tuple[str, int]) -> None:
    settings = TracingSettings.from_environment({"AWS_XRAY_DAEMON_ADDRESS": text}, "shop")
    assert (settings.udp_address, settings.tcp_address) == (udp, tcp)


def test_variables_win_over_defaults() -> None:
    environ = {
        "TRACING": "off",
        "XRAY_TRUST_INCOMING_SAMPLED": "false",
        "XRAY_UNTRACED_PATHS": "/a, /b",
        "XRAY_KEPT_PER_SECOND": "3",
        "XRAY_KEEP_SLOWER_THAN_MS": "250",
    }
    settings = TracingSettings.from_environment(environ, "shop", trust_incoming_sampled=True)
    assert (settings.mode, settings.trust_incoming_sampled, settings.untraced_paths) == ("off", False, ("/a", "/b"))
    assert (settings.kept_per_second, settings.keep_slower_than_seconds) == (3, 0.25)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACING", "zipkin"),
        ("XRAY_TRUST_INCOMING_SAMPLED", "perhaps"),
        ("XRAY_KEPT_PER_SECOND", "-1"),
        ("XRAY_KEPT_PER_SECOND", "9" * 5000),
        ("XRAY_KEEP_SLOWER_THAN_MS", "1.5"),
        ("AWS_XRAY_DAEMON_ADDRESS", "nowhere"),
        ("AWS_XRAY_DAEMON_ADDRESS", "host:port"),
        ("AWS_XRAY_DAEMON_ADDRESS", "tcp:a:1 tcp:b:2"),
        ("AWS_XRAY_DAEMON_ADDRESS", "host:0"),
    ],
)
def test_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        TracingSettings.from_environment({name: value}, "shop")
