# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walks the pages of an AWS operation, each page retried by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import call


def pages(
    method: Callable[..., dict[str, Any]], purpose: str, continued_by: str = "NextToken", **parameters: Any
) -> Iterator[dict[str, Any]]:
    """Every page of an operation, one in memory at a time; raises DeepobsError as `call` does.

    `continued_by` is what the service calls the token of the next page, in its answers and its parameters.
    """
    page = call(method, purpose, **parameters)
    yield page
    while token := page.get(continued_by):
        page = call(method, purpose, **parameters, **{continued_by: token})
        yield page
