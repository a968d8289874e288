"""Who is at the other end of a request: the client's address, and the program it uses."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from backend.settings import Network

Environ = dict[str, Any]

# The first that is named counts: browsers name those that they want to be taken for, too.
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_PRODUCT = re.compile(r"[A-Za-z0-9._-]{1,40}")


def client_address(environ: Environ, proxies: tuple[Network, ...]) -> str:
    """The client's address: the last hop of X-Forwarded-For that is no trusted proxy; without proxies the peer's."""
    peer = environ.get("REMOTE_ADDR") or "unknown"
    if not proxies:
        return peer
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    for hop in reversed([*hops, peer]):
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            return peer
        if not any(address in network for network in proxies):
            return str(address)
    return peer


def program(environ: Environ) -> str | None:
    """The client's User-Agent in few words, as `Firefox on Linux`; None where it says nothing that can be told."""
    told = environ.get("HTTP_USER_AGENT", "")
    browser, system = _named(told, _BROWSERS), _named(told, _SYSTEMS)
    if browser is None:
        product = _PRODUCT.match(told)
        return product and product[0]
    return f"{browser} on {system}" if system else browser


def _named(told: str, names: dict[str, str]) -> str | None:
    return next((name for sign, name in names.items() if sign in told), None)
