# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Carrying out what was planned for the add-ons of a cluster: all are started, then all are waited for together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ansible_collections.deepobs.eks.plugins.module_utils.addon_health import Sight, describe, is_final, judge
from ansible_collections.deepobs.eks.plugins.module_utils.addon_operator import AddonOperator
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

_IN_USE = "ResourceInUseException"
_FIRST_INTERVAL_SECONDS = 0.25
_INTERVAL_GROWTH = 1.5
_LONGEST_INTERVAL_SECONDS = 5.0
_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Patience:
    """Whether and how long to wait, and what a DEGRADED add-on means (fail, warn or accept) after how long."""

    wait: bool
    timeout_seconds: float
    degraded: str
    grace_seconds: float


@dataclass
class Course:
    """What becomes of one add-on: `plan` is what is left to do, `first` what the task as a whole does to it.

    `held` is EKS' refusal of a write because somebody else is changing the add-on, `error` what ended the course.
    """

    operator: AddonOperator
    make_plan: Callable[[Addon | None], AddonPlan]
    sight: Sight
    plan: AddonPlan
    first: AddonPlan = field(init=False)
    tried: bool = False
    update_id: str = ""
    held: DeepobsError | None = None
    error: DeepobsError | None = None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = self.plan

    def plan_anew(self) -> None:
        """Plans for the add-on as it was seen last."""
        self.attempt(self._plan_anew)

    def look(self) -> None:
        """Sees what became of the add-on."""
        self.attempt(self._look)

    def remove_failed(self) -> None:
        """Starts to remove a failed creation from EKS. What it left in the cluster may have been there before it."""
        self._write(lambda: self.operator.delete(preserve=True))

    def write(self) -> None:
        """Makes the writes that are planned."""
        self._write(self._start)

    def judge(self, wanted: Addon | None, degraded: str) -> None:
        """Holds what was seen last against what should be."""
        self.attempt(lambda: self.warnings.extend(judge(self.sight, wanted, degraded)))

    def attempt(self, step: Callable[[], None]) -> None:
        """Takes a step; what goes wrong ends this course, and no other."""
        try:
            step()
        except DeepobsError as error:
            self.error = error

    def _write(self, write: Callable[[], None]) -> None:
        self.tried, self.held = True, None
        try:
            write()
        except DeepobsError as error:
            if error_code(error) == _IN_USE:
                self.held = error
            else:
                self.error = error

    def _start(self) -> None:
        self.update_id = self.operator.start(self.plan)

    def _look(self) -> None:
        self.sight = self.operator.look(self.update_id)

    def _plan_anew(self) -> None:
        self.plan = self.make_plan(self.sight.addon)
        if not self.tried:
            self.first = self.plan


class Changes:
    """Takes the add-ons of a cluster along their courses."""

    def __init__(self, courses: list[Course], patience: Patience, watch: Stopwatch) -> None:
        self._courses = courses
        self._patience = patience
        self._watch = watch

    def run(self) -> None:
        """Makes each add-on what its plan says; what came of it is in the courses.

        What EKS is already at is waited for first and planned upon anew.
        """
        self._take_up(
            course
            for course in self._courses
            if course.sight.in_progress and (course.plan.changed or self._patience.wait)
        )
        self._make_changes([course for course in self._courses if course.plan.changed and not course.error])
        self._finish([course for course in self._courses if not course.error])

    def _make_changes(self, courses: list[Course]) -> None:
        """Starts what is planned; where somebody else's change holds an add-on, after that and planned upon anew."""
        for _attempt in range(_MOST_ATTEMPTS):
            self._start(courses)
            courses = [course for course in courses if course.held]
            self._take_up(courses)
            courses = [course for course in courses if course.plan.changed and not course.error]
        for course in courses:
            course.error = _held_for_good(course)

    def _take_up(self, courses: Iterable[Course]) -> None:
        """Waits until EKS has stopped working at the add-ons, in whatever status that leaves them, and plans anew."""
        courses = list(courses)
        self._wait(courses, lambda course: not course.sight.in_progress)
        for course in courses:
            if not course.error:
                course.plan_anew()

    def _start(self, courses: list[Course]) -> None:
        recreated = [course for course in courses if course.plan.action == "recreate"]
        for course in recreated:
            course.remove_failed()
        self._await_removal([course for course in recreated if not course.held and not course.error])
        for course in courses:
            if course not in recreated or course.plan.action == "create":
                course.write()

    def _await_removal(self, courses: list[Course]) -> None:
        self._wait(courses, _is_removed)
        for course in courses:
            if not course.error:
                course.judge(None, self._patience.degraded)
                course.plan = replace(course.plan, action="" if course.error else "create")

    def _finish(self, courses: list[Course]) -> None:
        """Waits for what was started, and for add-ons that are not well although nothing is to be changed of them."""
        patience = self._patience
        if not patience.wait:
            self._wait([course for course in courses if course.tried], lambda course: True)
            return
        unfinished = [course for course in courses if course.tried or course.sight.status not in ("", "ACTIVE")]
        self._wait(unfinished, self._is_final)
        for course in unfinished:
            if not course.error:
                course.judge(course.plan.after, patience.degraded)

    def _is_final(self, course: Course) -> bool:
        if course.plan.after is None:
            return _is_removed(course)
        return is_final(course.sight, self._patience.degraded, self._patience.grace_seconds)

    def _wait(self, courses: list[Course], settled: Callable[[Course], bool]) -> None:
        """Looks at the add-ons until all are settled, at each no longer than it takes; the clock is one for all."""
        left = courses

        def look() -> list[Course]:
            nonlocal left
            for course in left:
                course.look()
            left = [course for course in left if not course.error and not settled(course)]
            return left

        wait_until(
            look,
            lambda _previous, unsettled: not unsettled,
            self._patience.timeout_seconds,
            _FIRST_INTERVAL_SECONDS,
            self._watch.clock,
            self._watch.sleep,
            _INTERVAL_GROWTH,
            _LONGEST_INTERVAL_SECONDS,
        )
        for course in left:
            if course.sight.in_progress or course.sight.status != "DEGRADED":
                course.error = self._too_long(course)

    def _too_long(self, course: Course) -> DeepobsError:
        return DeepobsError(
            f"Not done within wait_timeout ({self._patience.timeout_seconds:g} s). {describe(course.sight)}"
            " Give wait_timeout more seconds; EKS goes on by itself, and the next run takes up from there."
        )


def _is_removed(course: Course) -> bool:
    return course.sight.status in ("", "DELETE_FAILED")


def _held_for_good(course: Course) -> DeepobsError | None:
    """The refusal of a write that never got through; of a creation it is not the add-on itself that is in use."""
    if course.held is None or course.sight.addon:
        return course.held
    return DeepobsError(
        f"{course.held.message}, which is not there, so something of it is in use: usually a service account that has a"
        " Pod Identity association already. Remove that (eks_pod_identity_association) and run again",
        course.held.exception,
    )
