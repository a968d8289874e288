"""Checks what the user gave before any load goes out; every refusal names the option and the remedy."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from loadtest.plan import Account, Plan
from loadtest.profiles import Profile, ProfileError, built_in_profiles, read_profile

_PROBE_TIMEOUT_SECONDS = 5.0
_MOST_WORKERS = 64
_LONGEST_TIMEOUT_SECONDS = 300.0
_HEALTH_PATHS = {"--backend-url": "/health", "--frontend-url": "/api/health"}


class InputError(Exception):
    """Input that the load test cannot run with; the message is one line: the option, the reason, the remedy."""


def read_plan(arguments: argparse.Namespace) -> Plan:
    """The plan the command line asks for; raises InputError."""
    _check_output(arguments.output)
    return Plan(
        profile=_profile(arguments),
        frontend_url=_target("--frontend-url", arguments.frontend_url),
        backend_url=_target("--backend-url", arguments.backend_url),
        accounts=_accounts(arguments.accounts_file),
        secret=_secret(arguments.secret_file),
        seed=arguments.seed,
        workers=_whole_number("--workers", arguments.workers, most=_MOST_WORKERS),
        max_requests=_whole_number("--max-requests", arguments.max_requests)
        if arguments.max_requests is not None
        else None,
        request_timeout_seconds=_timeout(arguments.request_timeout_seconds),
    )


def check_targets(plan: Plan) -> None:
    """Asks both servers whether they are there; raises InputError for the first that is not."""
    for option, url in (("--backend-url", plan.backend_url), ("--frontend-url", plan.frontend_url)):
        path = _HEALTH_PATHS[option]
        try:
            status = _status_of(urlsplit(url), path)
        except (OSError, http.client.HTTPException) as reason:
            raise _unanswered(option, url, path, str(reason) or type(reason).__name__) from reason
        if status != 200:
            raise _unanswered(option, url, path, f"status {status} instead of 200")


def _unanswered(option: str, url: str, path: str, reason: str) -> InputError:
    return InputError(f"{option}: {url}{path} does not answer as it should ({reason}); start it or correct the URL")


def _status_of(url: SplitResult, path: str) -> int:
    connection_class = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connection_class(url.hostname or "", url.port, timeout=_PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", url.path + path, headers={"User-Agent": "deepobs-loadtest"})
        return connection.getresponse().status
    finally:
        connection.close()


def _profile(arguments: argparse.Namespace) -> Profile:
    try:
        if arguments.profile_file is not None:
            return read_profile(arguments.profile_file)
    except ProfileError as reason:
        raise InputError(f"--profile-file: {reason}; see `python -m loadtest profiles` for examples") from reason
    profiles = built_in_profiles()
    if arguments.profile not in profiles:
        raise InputError(f"--profile: there is no profile {arguments.profile!r}; choose from {', '.join(profiles)}")
    return profiles[arguments.profile]


def _target(option: str, url: str) -> str:
    """The URL without a slash at its end. Credentials would end up in the record, a query in every request."""
    remedy = f"give it as http://host:port, not {url!r}"
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError as reason:
        raise InputError(f"{option}: {reason}; {remedy}") from reason
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise InputError(f"{option}: no URL of a server; {remedy}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(f"{option}: a user, password, query or fragment has no place here; give http://host:port")
    return url.rstrip("/")


def _accounts(path: Path) -> tuple[Account, ...]:
    remedy = 'give a JSON list of {"email", "password"}, as for `python -m backend seed --accounts-file`'
    try:
        document = json.loads(_read("--accounts-file", path))
    except ValueError as reason:
        raise InputError(f"--accounts-file: {path} is not JSON; {remedy}") from reason
    if not isinstance(document, list) or not document or not all(_is_account(entry) for entry in document):
        raise InputError(f"--accounts-file: {path} holds no accounts; {remedy}")
    return tuple(Account(entry["email"], entry["password"]) for entry in document)


def _is_account(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), str) and entry[key] for key in ("email", "password")
    )


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    secret = _read("--secret-file", path).strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise InputError(f"--secret-file: {path} holds no secret; write one line of printable ASCII into it")
    return secret


def _read(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as reason:
        raise InputError(f"{option}: cannot read {path} ({reason.strerror}); give a file that is there") from reason
    except UnicodeDecodeError as reason:
        raise InputError(f"{option}: {path} is no text in UTF-8; give another file") from reason


def _whole_number(option: str, number: int, most: int | None = None) -> int:
    if number < 1 or (most is not None and number > most):
        raise InputError(f"{option}: {number} is out of range; give 1 {f'to {most}' if most else 'or more'}")
    return number


def _timeout(seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise InputError(f"--request-timeout-seconds: give more than 0 and at most {_LONGEST_TIMEOUT_SECONDS:g}")
    return seconds


def _check_output(path: Path) -> None:
    if path.exists():
        raise InputError(f"--output: {path} is there already and records are never overwritten; name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise InputError(f"--output: cannot make {path.parent} ({reason.strerror}); name another file") from reason


def is_loopback(url: str) -> bool:
    """True when load sent to this URL stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(address.startswith("127.") or address == "::1" for address in addresses)
