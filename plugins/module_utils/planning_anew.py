# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies a plan where others change the same things meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

Plan = TypeVar("Plan")
Result = TypeVar("Result")

MOST_ATTEMPTS = 4


def apply_or_plan_anew(
    plan: Plan,
    apply: Callable[[Plan], Result],
    plan_anew: Callable[[], Plan],
    is_overtaken: Callable[[DeepobsError], bool],
) -> Result:
    """What `apply` returns of the plan, or of a new one where AWS refuses since things are others by now.

    That is so after somebody else's change, and after a call that was carried out although its answer was lost.
    Raises the refusal where planning anew plans the same, or after MOST_ATTEMPTS.
    """
    for _attempt in range(MOST_ATTEMPTS):
        try:
            return apply(plan)
        except DeepobsError as error:
            if not is_overtaken(error):
                raise
            refused, planned = error, plan
        plan = plan_anew()
        if plan == planned:
            break
    raise refused
