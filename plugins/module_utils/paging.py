# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walks the pages of an AWS operation, each page retried by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import call


def pages(method: Callable[..., dict[str, Any]], purpose: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every page of an operation with a NextToken, one in memory at a time; raises DeepobsError as `call` does."""
    page = call(method, purpose, **parameters)
    yield page
    while token := page.get("NextToken"):
        page = call(method, purpose, **parameters, NextToken=token)
        yield page
