"""The stand-in's admin side, for tests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def admin(url: str, method: str, path: str, body: Any = None) -> Any:
    """The JSON answer of a page under /_localaws/. Raises HTTPError when the page refuses."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_localaws/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def refusal(url: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """The status and the message by which a page refuses; AssertionError when it does not."""
    try:
        admin(url, method, path, body)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["message"]
    raise AssertionError(f"{method} {path} was not refused")
