"""The settings of the backend: one frozen table, read from environment variables."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from serving.keys import KEY_BYTES, KeyRing
from tracing import TracingSettings
from tracing.settings import SettingsError

SERVICE_NAME = "ecommerce-backend"
_SECRET_CHARACTERS = 16

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` of one client in `seconds`."""

    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What the backend needs to know; the README's table says which variable sets what."""

    database_url: str
    redis_url: str
    token_key_file: Path
    host: str = "127.0.0.1"
    port: int = 4000
    workers: int = 1
    threads: int = 8
    database_pool: int = 8
    hot_cache_bytes: int = 33_554_432
    cache_refill_seconds: int = 2
    redis_answer_seconds: float = 0.5
    statement_seconds: float = 5.0
    token_seconds: int = 3600
    body_limit_bytes: int = 65_536
    body_seconds: int = 10
    idle_seconds: int = 75
    loadtest_secret: str | None = field(default=None, repr=False)
    rate_limits: bool = True
    general_limit: Limit = Limit(100, 60)
    login_limit: Limit = Limit(5, 900)
    register_limit: Limit = Limit(3, 3600)
    account_limit: Limit = Limit(10, 900)
    trusted_proxies: tuple[Network, ...] = ()
    argon2_memory_kib: int = 19_456
    argon2_passes: int = 2
    tracing: TracingSettings = field(default_factory=lambda: TracingSettings(SERVICE_NAME, trust_incoming_sampled=True))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, serving: bool = True) -> Settings:
        """Reads the variables of the README's table; the keys of tokens are only needed for serving.

        Raises SettingsError, which names the variable and the remedy.
        """
        threads = _number(environ, "BACKEND_THREADS", 8, 1, 256)
        return cls(
            database_url=_required(environ, "DATABASE_URL", "postgresql+psycopg://user@host:port/database"),
            redis_url=_required(environ, "REDIS_URL", "redis://host:port/0"),
            token_key_file=_token_key_file(environ) if serving else Path(),
            host=environ.get("BACKEND_HOST") or "127.0.0.1",
            port=_number(environ, "BACKEND_PORT", 4000, 1, 65_535),
            workers=_number(environ, "BACKEND_WORKERS", 1, 1, 64),
            threads=threads,
            database_pool=_number(environ, "DATABASE_POOL", threads, 1, 256),
            hot_cache_bytes=_number(environ, "HOT_CACHE_BYTES", 33_554_432, 0, 2**40),
            cache_refill_seconds=_number(environ, "CACHE_REFILL_SECONDS", 2, 1, 60),
            statement_seconds=_number(environ, "DATABASE_TIMEOUT_MS", 5000, 100, 600_000) / 1000,
            redis_answer_seconds=_number(environ, "REDIS_TIMEOUT_MS", 500, 10, 60_000) / 1000,
            token_seconds=_number(environ, "TOKEN_SECONDS", 3600, 60, 86_400),
            body_limit_bytes=_number(environ, "BODY_LIMIT_BYTES", 65_536, 1024, 10_000_000),
            body_seconds=_number(environ, "BODY_SECONDS", 10, 1, 600),
            idle_seconds=_number(environ, "IDLE_SECONDS", 75, 1, 3600),
            loadtest_secret=_loadtest_secret(environ),
            rate_limits=_switch(environ, "RATE_LIMITS", True),
            general_limit=_limit(environ, "RATE_LIMIT_GENERAL", Limit(100, 60)),
            login_limit=_limit(environ, "RATE_LIMIT_LOGIN", Limit(5, 900)),
            register_limit=_limit(environ, "RATE_LIMIT_REGISTER", Limit(3, 3600)),
            account_limit=_limit(environ, "RATE_LIMIT_ACCOUNT", Limit(10, 900)),
            trusted_proxies=_networks(environ, "TRUSTED_PROXIES"),
            argon2_memory_kib=_number(environ, "ARGON2_MEMORY_KIB", 19_456, 8, 4_194_304),
            argon2_passes=_number(environ, "ARGON2_PASSES", 2, 1, 100),
            tracing=TracingSettings.from_environment(environ, SERVICE_NAME, trust_incoming_sampled=True),
        )


def _required(environ: Mapping[str, str], name: str, shape: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set: give {shape}")
    return value


def _number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingsError(f"{name} is {text!r}: give a whole number from {lowest} to {highest}")
    return int(text)


def _switch(environ: Mapping[str, str], name: str, default: bool) -> bool:
    text = environ.get(name) or ("on" if default else "off")
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} is {text!r}: give on or off")
    return text == "on"


def _limit(environ: Mapping[str, str], name: str, default: Limit) -> Limit:
    text = environ.get(name)
    if not text:
        return default
    requests, _unused, seconds = text.partition("/")
    if not (requests.isascii() and requests.isdigit() and seconds.isascii() and seconds.isdigit() and int(seconds)):
        raise SettingsError(f"{name} is {text!r}: give requests/seconds, as {default.requests}/{default.seconds}")
    return Limit(int(requests), int(seconds))


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    text = environ.get(name, "")
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(
            f"{name} is {text!r}: give networks as 10.0.0.0/16, with commas between ({error})"
        ) from None


def _token_key_file(environ: Mapping[str, str]) -> Path:
    name = "TOKEN_KEY_FILE"
    path = Path(_required(environ, name, f"a file of at least {KEY_BYTES} random bytes, or a folder of such files"))
    try:
        KeyRing(path)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{name} {path} cannot be read: {error.strerror}") from None
    return path


def _loadtest_secret(environ: Mapping[str, str]) -> str | None:
    path = environ.get("LOADTEST_SECRET_FILE")
    if not path:
        return None
    secret = _content(path, "LOADTEST_SECRET_FILE").decode("ascii", "replace").strip()
    if len(secret) < _SECRET_CHARACTERS or not secret.isascii():
        raise SettingsError(f"LOADTEST_SECRET_FILE {path}: put at least {_SECRET_CHARACTERS} ASCII characters into it")
    return secret


def _content(path: str, name: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} {path} cannot be read: {error.strerror}") from None
