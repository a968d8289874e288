"""Plans that are overtaken while they are applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.planning_anew import MOST_ATTEMPTS, apply_or_plan_anew


class Changing:
    """Things of which plan number `works` can be applied, every one before it is refused."""

    def __init__(self, works: int, refusal: str = "overtaken", plans: Iterator[int] | None = None) -> None:
        self._works = works
        self._refusal = refusal
        self._plans = plans or iter(range(2, 100))
        self.applied: list[int] = []

    def apply(self, plan: int) -> str:
        self.applied.append(plan)
        if plan != self._works:
            raise DeepobsError(f"{self._refusal} {plan}")
        return f"done {plan}"

    def converge(self) -> str:
        return apply_or_plan_anew(
            1, self.apply, lambda: next(self._plans), lambda error: error.message.startswith("overtaken")
        )


def test_a_plan_that_fits_is_applied_once() -> None:
    things = Changing(works=1)
    assert (things.converge(), things.applied) == ("done 1", [1])


def test_an_overtaken_plan_is_made_anew() -> None:
    things = Changing(works=3)
    assert (things.converge(), things.applied) == ("done 3", [1, 2, 3])


def test_another_failure_is_not_tried_again() -> None:
    things = Changing(works=2, refusal="denied")
    with pytest.raises(DeepobsError, match="denied 1"):
        things.converge()
    assert things.applied == [1]


def test_the_same_plan_is_not_tried_again() -> None:
    things = Changing(works=5, plans=iter([2, 2]))
    with pytest.raises(DeepobsError, match="overtaken 2"):
        things.converge()
    assert things.applied == [1, 2]


def test_tries_end() -> None:
    things = Changing(works=MOST_ATTEMPTS + 1)
    with pytest.raises(DeepobsError, match=f"overtaken {MOST_ATTEMPTS}"):
        things.converge()
