"""Random requests as a WSGI server hands them over: whatever a client, a proxy or a careless server may send."""

from __future__ import annotations

import string
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import Any

Environ = dict[str, Any]

TRACE_HEADER = "HTTP_X_AMZN_TRACE_ID"
_HEX = "0123456789abcdef"
_METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "BREW", "")
_HOSTS = ("shop.example", "shop.example:8080", "127.0.0.1:3000", "[::1]:3000", "localhost", "")
_AGENTS = ("curl/8.5.0", "ELB-HealthChecker/2.0", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "")
_ADDRESSES = ("192.0.2.7", "192.0.2.7:5000", "[2001:db8::7]:5000", "2001:db8::7", "[::1]", "", "unix:")
_FORWARDED = ("192.0.2.1", "192.0.2.1, 10.0.0.7", " , ", ",", "unknown", "[2001:db8::1]:443", "192.0.2.1:99,10.0.0.7")
_PATHS = ("/", "/products", "/products/halo-lamp", "/health", "/static/site.css", "/healthy", "//", "", "/a b/ü", "*")
_MOST_HEADER_CHARACTERS = 30_000


@dataclass(frozen=True)
class Request:
    """A request, and what its trace header says where that is one X-Ray documents."""

    environ: Environ
    root: str | None = None
    parent: str | None = None
    sampled: bool | None = None


def random_request(chance: Random) -> Request:
    """The next request; the same chance gives the same."""
    environ: Environ = {
        "REQUEST_METHOD": _mostly(chance, _METHODS, 12),
        "SCRIPT_NAME": _any_text(chance, 12) if chance.random() < 0.03 else "",
        "PATH_INFO": _mostly(chance, _PATHS, 3000),
        "QUERY_STRING": _any_text(chance, 30) if chance.random() < 0.2 else "page=2",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": _mostly(chance, _ADDRESSES, 60),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if chance.random() < 0.1 else "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(chance, environ)
    if chance.random() < 0.01:
        _break(chance, environ)
    return _with_trace_header(chance, environ)


def _add_headers(chance: Random, environ: Environ) -> None:
    if chance.random() < 0.95:
        environ["HTTP_HOST"] = _mostly(chance, _HOSTS, 600)
    if chance.random() < 0.9:
        environ["HTTP_USER_AGENT"] = _mostly(chance, _AGENTS, 3000)
    if chance.random() < 0.3:
        environ["HTTP_X_FORWARDED_FOR"] = _mostly(chance, _FORWARDED, 600)
    if chance.random() < 0.02:
        environ["HTTP_" + _any_text(chance, 8).upper()] = _any_text(chance, 100)


def _break(chance: Random, environ: Environ) -> None:
    """What PEP 3333 does not allow and servers do: a variable that is missing, None, or not Latin-1."""
    name = chance.choice(["REQUEST_METHOD", "PATH_INFO", "REMOTE_ADDR", "SERVER_NAME", "SCRIPT_NAME", "HTTP_HOST"])
    kind = chance.randrange(4)
    if kind == 0:
        environ.pop(name, None)
    elif kind == 1 and name == "REMOTE_ADDR":
        environ[name] = None
    elif kind == 2:
        environ[name] = "/\udcff\ud800" + chr(chance.randrange(0x250, 0xD000))
    else:
        environ.pop("wsgi.url_scheme")


def _mostly(chance: Random, usual: tuple[str, ...], most: int) -> str:
    """A usual value; one in eight is any text instead."""
    return _any_text(chance, most) if chance.random() < 0.125 else chance.choice(usual)


def _any_text(chance: Random, most: int) -> str:
    """Any bytes, as WSGI gives them: Latin-1."""
    return chance.randbytes(chance.randrange(most + 1)).decode("latin-1")


def _hex(chance: Random, digits: int) -> str:
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def _with_trace_header(chance: Random, environ: Environ) -> Request:
    kind = chance.random()
    if kind < 0.1:
        return Request(environ)
    root = f"1-{_hex(chance, 8)}-{_hex(chance, 24)}"
    parent = _hex(chance, 16) if chance.random() < 0.8 else None
    sampled = chance.choice(["1", "1", "1", "1", "1", "1", "0", "0", "?", None])
    text = _header(chance, root, parent, sampled)
    if kind < 0.7:
        environ[TRACE_HEADER] = text
        return Request(environ, root, parent, None if sampled in ("?", None) else sampled == "1")
    environ[TRACE_HEADER] = _broken(chance, text)
    return Request(environ)


def _header(chance: Random, root: str, parent: str | None, sampled: str | None) -> str:
    """A header as X-Ray documents it, with fields that others add."""
    fields = [f"Root={root}"]
    fields += [] if parent is None else [f"Parent={parent}"]
    fields += [] if sampled is None else [f"Sampled={sampled}"]
    if chance.random() < 0.3:
        fields.append(chance.choice([f"Self=1-{_hex(chance, 8)}-{_hex(chance, 24)}", "Lineage=a87bd80c:1|68fd508a:5"]))
        chance.shuffle(fields)
    return chance.choice([";", ";", "; "]).join(fields)


def _broken(chance: Random, text: str) -> str:
    """A header that something went wrong with; it may still be right by accident."""
    at = chance.randrange(len(text) + 1)
    character = chance.choice(string.printable + "äÿ\x00\x85\xa0²")
    match chance.randrange(10):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + character + text[at:]
        case 2:
            return text[:at] + character + text[at + 1 :]
        case 3:
            return text.upper()
        case 4:
            return f"{text};{text}"
        case 5:
            return f"{text},{text}"
        case 6:
            return text[at:] + text[:at]
        case 7:
            return _any_text(chance, 200)
        case 8:
            return _huge(chance, text)
        case _:
            return text.replace("=", chance.choice(["==", " = ", ":", ""]))


def _huge(chance: Random, text: str) -> str:
    filling = chance.choice([";", "=", "Root=", f"{text};", "a=b;", _any_text(chance, 40) or " "])
    repeated = filling * (chance.randrange(_MOST_HEADER_CHARACTERS) // len(filling) + 1)
    return text + ";" + repeated if chance.random() < 0.5 else repeated
