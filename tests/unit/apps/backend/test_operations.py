"""Prometheus' counters and the settings of the backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from backend.settings import Limit, Settings
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from tracing import SettingsError


def _requests(client: FlaskClient) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


def test_every_request_is_counted_once_with_bounded_labels(client: FlaskClient) -> None:
    client.get("/api/catalog/products/halo-paper-lamp")
    client.get("/api/catalog/products/halo-paper-lamp")
    client.head("/api/catalog/categories")
    client.get("/no/such/path")
    client.open("/health", method="BREW")
    client.get("/health")
    assert _requests(client) == {
        ("GET", "/api/catalog/products/<key>", "200"): 2,
        ("HEAD", "/api/catalog/categories", "200"): 1,
        ("GET", "unmatched", "404"): 1,
        ("other", "unmatched", "405"): 1,
        ("GET", "/health", "200"): 1,
    }
    assert _requests(client)[("GET", "/metrics", "200")] == 1


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    return {"DATABASE_URL": "postgresql+psycopg://x@y/z", "REDIS_URL": "redis://y/0", "TOKEN_KEY_FILE": str(key)}


def test_settings_have_the_documented_defaults(environ: dict[str, str]) -> None:
    settings = Settings.from_environment(environ)
    assert (settings.host, settings.port, settings.workers, settings.threads) == ("127.0.0.1", 4000, 1, 8)
    assert (settings.general_limit, settings.login_limit) == (Limit(100, 60), Limit(5, 900))
    assert settings.tracing.trust_incoming_sampled is True
    assert settings.hot_cache_bytes == 32 * 1024 * 1024
    assert settings.loadtest_secret is None


def test_settings_do_not_show_secrets(environ: dict[str, str]) -> None:
    assert "kkk" not in repr(Settings.from_environment(environ))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("TOKEN_KEY_FILE", ""),
        ("TOKEN_KEY_FILE", "/no/such/file"),
        ("LOADTEST_SECRET_FILE", "/no/such/file"),
        ("BACKEND_PORT", "http"),
        ("BACKEND_PORT", "70000"),
        ("BACKEND_WORKERS", "0"),
        ("HOT_CACHE_BYTES", "32 MiB"),
        ("RATE_LIMITS", "maybe"),
        ("RATE_LIMIT_LOGIN", "5 per minute"),
        ("TRUSTED_PROXIES", "everyone"),
        ("TRACING", "maybe"),
    ],
)
def test_wrong_setting_names_its_variable(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(environ | {name: value})


def test_short_key_and_short_secret_are_refused(environ: dict[str, str], tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    for name in ("TOKEN_KEY_FILE", "LOADTEST_SECRET_FILE"):
        with pytest.raises(SettingsError, match=f"{name}.*at least"):
            Settings.from_environment(environ | {name: str(short)})
