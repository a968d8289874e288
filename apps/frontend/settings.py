"""The storefront's settings: one frozen table, read from environment variables in the factory and never at import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from serving.keys import KEY_BYTES, KeyRing
from tracing import SettingsError, TracingSettings

SERVICE_NAME = "ecommerce-frontend"

_Value = TypeVar("_Value")
_SWITCH = {"on": True, "off": False}


@dataclass(frozen=True)
class Settings:
    """What the storefront is told from outside; README.md lists the variables."""

    internal_api_url: str
    session_key_file: Path
    tracing: TracingSettings = field(default_factory=lambda: TracingSettings(SERVICE_NAME))
    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 8
    loadtest_secret: str | None = field(default=None, repr=False)
    secure_cookies: bool = False
    trusted_proxies: int = 0
    body_seconds: int = 10
    idle_seconds: int = 75
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 5.0
    categories_ttl_seconds: float = 30.0
    lists_memory_bytes: int = 16 * 1024 * 1024

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads and checks every variable; raises SettingsError for the first that is wrong."""
        return cls(
            internal_api_url=_read(environ, "INTERNAL_API_URL", _http_url, None),
            session_key_file=_read(environ, "SESSION_KEY_FILE", _key_file, None),
            tracing=TracingSettings.from_environment(environ, SERVICE_NAME, trust_incoming_sampled=False),
            host=environ.get("FRONTEND_HOST") or cls.host,
            port=_read(environ, "FRONTEND_PORT", _whole_number(1, 65535), cls.port),
            workers=_read(environ, "FRONTEND_WORKERS", _whole_number(1, 64), cls.workers),
            threads=_read(environ, "FRONTEND_THREADS", _whole_number(1, 256), cls.threads),
            loadtest_secret=_read(environ, "LOADTEST_SECRET_FILE", _secret, "") or None,
            secure_cookies=_read(environ, "FRONTEND_SECURE_COOKIES", _switch, cls.secure_cookies),
            trusted_proxies=_read(environ, "FRONTEND_TRUSTED_PROXIES", _whole_number(0, 10), cls.trusted_proxies),
            body_seconds=_read(environ, "BODY_SECONDS", _whole_number(1, 600), cls.body_seconds),
            idle_seconds=_read(environ, "IDLE_SECONDS", _whole_number(1, 3600), cls.idle_seconds),
            connect_timeout_seconds=_read(environ, "BACKEND_CONNECT_TIMEOUT_SECONDS", _seconds, 1.0),
            read_timeout_seconds=_read(environ, "BACKEND_READ_TIMEOUT_SECONDS", _seconds, 5.0),
            categories_ttl_seconds=_read(environ, "CATEGORIES_TTL_SECONDS", _seconds_or_zero, 30.0),
            lists_memory_bytes=_read(environ, "LISTS_MEMORY_BYTES", _whole_number(0, 2**40), cls.lists_memory_bytes),
        )


def _read(environ: Mapping[str, str], name: str, parse: Callable[[str], _Value], default: _Value | None) -> _Value:
    text = environ.get(name, "").strip()
    if not text:
        if default is None:
            raise SettingsError(f"{name} is not set: {_REMEDIES[name]}")
        return default
    try:
        return parse(text)
    except (ValueError, OSError) as problem:
        raise SettingsError(f"{name} is {text!r}: {problem}") from problem


_REMEDIES = {
    "INTERNAL_API_URL": "give the backend's address as seen from here, for example http://127.0.0.1:4000",
    "SESSION_KEY_FILE": f"give the path of a file with at least {KEY_BYTES} random bytes, or of a folder of such files",
}


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write it as http://host:port or https://host:port")
    _unused = parts.port  # raises ValueError when it is no port
    return text.rstrip("/")


def _key_file(text: str) -> Path:
    KeyRing(Path(text))  # raises what is wrong with it
    return Path(text)


def _secret(text: str) -> str:
    secret = Path(text).read_text("ascii").strip()
    if not secret:
        raise ValueError("the file is empty; write a secret into it or unset the variable")
    return secret


def _switch(text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise ValueError("write on or off")
    return _SWITCH[text.lower()]


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ValueError(f"write a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _seconds_or_zero(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise ValueError("write seconds from 0 to 3600")
    return value


def _seconds(text: str) -> float:
    value = _seconds_or_zero(text)
    if value == 0:
        raise ValueError("write more than 0 seconds")
    return value
