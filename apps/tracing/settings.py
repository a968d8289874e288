"""The settings of tracing: one frozen table, read from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from tracing.opentelemetry.endpoint import Endpoint

Address = tuple[str, int]
Mode = Literal["xray", "opentelemetry", "off"]

DEFAULT_ADDRESS = "127.0.0.1:2000"
DEFAULT_UNTRACED_PATHS = ("/health", "/ready", "/metrics", "/metrics/cache", "/api/health", "/static")
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class SettingsError(ValueError):
    """An environment variable has a value that cannot be used; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """How a service is traced; `from_environment` says which variable sets what.

    `endpoint` is where spans go with the mode "opentelemetry". The sampling rules come from `tcp_address`, or, where
    that is None, from the API of the endpoint's region.
    """

    service_name: str
    mode: Mode = "xray"
    udp_address: Address = ("127.0.0.1", 2000)
    tcp_address: Address | None = ("127.0.0.1", 2000)
    trust_incoming_sampled: bool = False
    untraced_paths: tuple[str, ...] = field(default=DEFAULT_UNTRACED_PATHS)
    kept_per_second: int = 10
    keep_slower_than_seconds: float = 0.0
    endpoint: Endpoint | None = None

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], service_name: str, *, trust_incoming_sampled: bool = False
    ) -> TracingSettings:
        """Reads TRACING, AWS_XRAY_DAEMON_ADDRESS and the variables XRAY_* and OTEL_*, which the README lists.

        `trust_incoming_sampled` is what holds where its variable is not set: a service that only others of the same
        owner reach may say True. Raises SettingsError.
        """
        mode, daemon = _mode(environ.get("TRACING") or "xray"), environ.get("AWS_XRAY_DAEMON_ADDRESS")
        udp_address, tcp_address = parse_daemon_address(daemon or DEFAULT_ADDRESS)
        endpoint = _endpoint(environ) if mode == "opentelemetry" else None
        asks_the_api = endpoint is not None and endpoint.region is not None and not daemon
        return cls(
            service_name=service_name,
            mode=mode,
            udp_address=udp_address,
            tcp_address=None if asks_the_api else tcp_address,
            endpoint=endpoint,
            trust_incoming_sampled=_boolean(environ, "XRAY_TRUST_INCOMING_SAMPLED", trust_incoming_sampled),
            untraced_paths=_paths(environ.get("XRAY_UNTRACED_PATHS")),
            kept_per_second=_number(environ, "XRAY_KEPT_PER_SECOND", 10),
            keep_slower_than_seconds=_number(environ, "XRAY_KEEP_SLOWER_THAN_MS", 0) / 1000,
        )


def parse_daemon_address(text: str) -> tuple[Address, Address]:
    """The UDP and the TCP address of `host:port` or `tcp:host:port udp:host:port`, as the X-Ray SDKs write them."""
    parts = text.split()
    if len(parts) == 1:
        address = _address(parts[0], text)
        return address, address
    by_protocol = dict(part.partition(":")[::2] for part in parts)
    if len(parts) != 2 or set(by_protocol) != {"udp", "tcp"}:
        raise _bad_address(text)
    return _address(by_protocol["udp"], text), _address(by_protocol["tcp"], text)


def _address(part: str, text: str) -> Address:
    host, _unused, port = part.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise _bad_address(text)
    return host.strip("[]"), int(port)


def _bad_address(text: str) -> SettingsError:
    return SettingsError(
        f"AWS_XRAY_DAEMON_ADDRESS is {text!r}: give host:port, or tcp:host:port and udp:host:port with a space between"
    )


def _endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Imported here because botocore, which knows the regions, takes a while to load."""
    from tracing.opentelemetry.endpoint import endpoint_from

    return endpoint_from(environ)


def _mode(text: str) -> Mode:
    if text not in {"xray", "opentelemetry", "off"}:
        raise SettingsError(f"TRACING is {text!r}: give xray, opentelemetry or off")
    return cast("Mode", text)


def _boolean(environ: Mapping[str, str], name: str, default: bool) -> bool:
    text = environ.get(name)
    if not text:
        return default
    if text.lower() not in _BOOLEANS:
        raise SettingsError(f"{name} is {text!r}: give true or false")
    return _BOOLEANS[text.lower()]


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise SettingsError(f"{name} is {text!r}: give a whole number, 0 for none")
    return int(text)


def _paths(text: str | None) -> tuple[str, ...]:
    if text is None:
        return DEFAULT_UNTRACED_PATHS
    return tuple(path.strip() for path in text.split(",") if path.strip())
