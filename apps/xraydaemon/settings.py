"""What the daemon is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_DEFAULT_ADDRESS: Final = "127.0.0.1:2000"

Address = tuple[str, int]


class SettingsError(ValueError):
    """A setting that is wrong or missing; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The daemon's settings. Credentials and the endpoint are read by boto3's own chain."""

    udp_address: Address
    tcp_address: Address
    region: str
    queue_segments: int
    queue_bytes: int
    upload_threads: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads the variables that the README lists. Raises SettingsError."""
        udp_address, tcp_address = _addresses(environ.get("AWS_XRAY_DAEMON_ADDRESS") or _DEFAULT_ADDRESS)
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise SettingsError("AWS_REGION is not set: name the region whose X-Ray takes the segments")
        return cls(
            udp_address=udp_address,
            tcp_address=tcp_address,
            region=region,
            queue_segments=_positive(environ, "XRAY_QUEUE_SEGMENTS", 200_000),
            queue_bytes=_positive(environ, "XRAY_QUEUE_BYTES", 256 * 1024**2),
            upload_threads=_positive(environ, "XRAY_UPLOAD_THREADS", 4),
        )


def _addresses(text: str) -> tuple[Address, Address]:
    """UDP's and TCP's address from "host:port" or "udp:host:port tcp:host:port", as the X-Ray SDKs write them."""
    parts = text.split()
    if len(parts) == 1:
        return _address(parts[0], text), _address(parts[0], text)
    found = {kind: rest for kind, _unused, rest in (part.partition(":") for part in parts)}
    if len(parts) != 2 or set(found) != {"udp", "tcp"}:
        raise _wrong_address(text)
    return _address(found["udp"], text), _address(found["tcp"], text)


def _address(part: str, text: str) -> Address:
    host, _unused, port = part.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise _wrong_address(text)
    return host, int(port)


def _wrong_address(text: str) -> SettingsError:
    return SettingsError(
        f"AWS_XRAY_DAEMON_ADDRESS is {text!r}: give host:port, such as 127.0.0.1:2000, or udp:host:port tcp:host:port"
    )


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise SettingsError(f"{name} is {text!r}: give a whole number above 0, such as {default}")
    return int(text)
