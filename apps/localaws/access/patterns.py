"""IAM's wildcards: * is any text, ? any one character."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_ARN_MEMBERS = 6


def like(pattern: str, given: str) -> bool:
    """Whether a text matches a pattern."""
    return _compiled(pattern).fullmatch(given) is not None


def arn_like(pattern: str, given: str) -> bool:
    """Whether an ARN matches a pattern, member by member: a wildcard does not reach over a colon but in the last."""
    wanted, told = pattern.split(":", _ARN_MEMBERS - 1), given.split(":", _ARN_MEMBERS - 1)
    return len(wanted) == len(told) and all(like(*pair) for pair in zip(wanted, told, strict=True))


def listed(value: Any) -> list[Any]:
    """An element of a policy, which may be one value or a list of them, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
