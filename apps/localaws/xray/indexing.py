"""The indexing rule of Transaction Search: which spans become trace summaries."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

from localaws.service import ServiceError
from localaws.xray.moments import moment

_NAME: Final = "Default"
_FREE_PERCENTAGE: Final = 1.0
"""CloudWatch user guide, "Transaction Search": 1 % of the spans is indexed at no further cost, and by default."""


class IndexingRules:
    """The one rule of a region, Default."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._modified = clock()
        self._percentage = _FREE_PERCENTAGE

    def indexes(self, trace_id: str) -> bool:
        """Whether a trace is indexed: the same answer for the same id, so that a trace is indexed whole or not."""
        return zlib.crc32(trace_id.encode()) / 2**32 * 100 < self._percentage

    def rules(self) -> list[dict[str, Any]]:
        """The members of GetIndexingRules' IndexingRules."""
        return [self._rule()]

    def own(self) -> float | None:
        """The percentage that was chosen, None for the one that AWS begins with."""
        return None if self._percentage == _FREE_PERCENTAGE else self._percentage

    def update(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Changes the percentage. Raises ServiceError for another rule or what is no percentage."""
        if parameters["Name"] != _NAME:
            raise ServiceError("ResourceNotFoundException", f"Indexing rule {parameters['Name']} does not exist.", 404)
        percentage = parameters["Rule"].get("Probabilistic", {}).get("DesiredSamplingPercentage")
        if percentage is None or not 0 <= percentage <= 100:
            raise ServiceError("InvalidRequestException", "DesiredSamplingPercentage must be between 0 and 100.")
        self._percentage, self._modified = float(percentage), self._clock()
        return self._rule()

    def _rule(self) -> dict[str, Any]:
        probabilistic = {
            "DesiredSamplingPercentage": self._percentage,
            "ActualSamplingPercentage": self._percentage,
        }
        return {"Name": _NAME, "ModifiedAt": moment(self._modified), "Rule": {"Probabilistic": probabilistic}}
