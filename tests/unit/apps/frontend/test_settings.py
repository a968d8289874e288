"""Settings: what is missing or wrong is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontend.settings import Settings
from tracing import SettingsError


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "short").write_bytes(b"k" * 31)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "secret").write_text("the-secret\n")
    return {"INTERNAL_API_URL": "http://backend:4000/", "SESSION_KEY_FILE": str(tmp_path / "key")}


def test_defaults_hold_where_nothing_is_said(environ: dict[str, str]) -> None:
    settings = Settings.from_environment(environ)
    assert (settings.host, settings.port, settings.internal_api_url) == ("127.0.0.1", 3000, "http://backend:4000")
    assert settings.loadtest_secret is None
    assert not settings.tracing.trust_incoming_sampled


def test_what_is_said_holds(environ: dict[str, str], tmp_path: Path) -> None:
    said = {"FRONTEND_PORT": "8080", "FRONTEND_SECURE_COOKIES": "on", "LOADTEST_SECRET_FILE": str(tmp_path / "secret")}
    settings = Settings.from_environment(environ | said)
    assert (settings.port, settings.secure_cookies, settings.loadtest_secret) == (8080, True, "the-secret")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTERNAL_API_URL", ""),
        ("INTERNAL_API_URL", "backend:4000"),
        ("INTERNAL_API_URL", "http://backend:port"),
        ("SESSION_KEY_FILE", ""),
        ("SESSION_KEY_FILE", "{folder}/none"),
        ("SESSION_KEY_FILE", "{folder}/short"),
        ("LOADTEST_SECRET_FILE", "{folder}/none"),
        ("LOADTEST_SECRET_FILE", "{folder}/empty"),
        ("FRONTEND_PORT", "0"),
        ("FRONTEND_PORT", "65536"),
        ("FRONTEND_WORKERS", "many"),
        ("FRONTEND_THREADS", "-1"),
        ("FRONTEND_SECURE_COOKIES", "perhaps"),
        ("FRONTEND_TRUSTED_PROXIES", "all"),
        ("BACKEND_READ_TIMEOUT_SECONDS", "0"),
        ("BACKEND_READ_TIMEOUT_SECONDS", "nan"),
        ("CATEGORIES_TTL_SECONDS", "-1"),
        ("AWS_XRAY_DAEMON_ADDRESS", "nowhere"),
    ],
)
def test_wrong_value_names_its_variable(environ: dict[str, str], tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(environ | {name: value.format(folder=tmp_path)})


def test_secrets_stay_out_of_what_is_printed(environ: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.from_environment(environ | {"LOADTEST_SECRET_FILE": str(tmp_path / "secret")})
    assert "kkkk" not in repr(settings)
    assert "the-secret" not in repr(settings)
