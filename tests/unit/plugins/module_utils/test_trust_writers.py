"""Many irsa_trust writers at one trust policy under a simulated scheduler: what the promise covers, and what not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import trusted_subjects
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import SharedDocument, put_and_watch
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.scheduler import Scheduler
from support.trust_documents import OTHER_TRUST, TRUST

Document = dict[str, Any]

SETTLE_SECONDS = 3.0
# A request and an answer of this length make a gap that is just shorter.
LONGEST_DELAY_SECONDS = 1.499
THEIRS = OTHER_TRUST.statement("StringEquals", ["system:serviceaccount:theirs:theirs"])


def request(subject: str, state: str = "present") -> Request:
    return Request("shared", "shop", (subject,), state, create_oidc_provider=False, policy_quota=100_000)


def service_accounts(count: int) -> list[str]:
    return [f"namespace-{number}:service-account" for number in range(count)]


def policy_with(*subjects: str) -> Document:
    subs = [f"system:serviceaccount:{subject}" for subject in subjects]
    ours = [TRUST.statement("StringEquals", subs)] if subs else []
    return {"Version": "2012-10-17", "Statement": [THEIRS, *ours]}


@dataclass
class Policy:
    """A trust policy as IAM keeps it: each write replaces it, whatever its writer has read."""

    document: Document
    scheduler: Scheduler
    writes: int = 0

    def write(self, document: Document) -> None:
        self.document = document
        self.writes += 1

    def shared(self, asked: Request, delay_seconds: Callable[[], float]) -> SharedDocument:
        """The policy for one writer. Requests and answers take their time, so that reading and writing lie at most
        two delays apart.
        """

        def read() -> Document:
            document = self.document
            self.scheduler.sleep(delay_seconds())
            return document

        def write(document: Document) -> None:
            self.scheduler.sleep(delay_seconds())
            self.write(document)

        return SharedDocument(read, write, lambda document: asked.merge(document, TRUST))

    def start_writer(
        self, asked: Request, settle_seconds: float, delay_seconds: Callable[[], float], after_seconds: float = 0.0
    ) -> None:
        chance = random.Random(asked.subjects[0])
        watch = Stopwatch(self.scheduler.clock, self.scheduler.sleep)
        shared = self.shared(asked, delay_seconds)
        self.scheduler.start(lambda: put_and_watch(shared, settle_seconds, watch, chance.random), after_seconds)


# A schedule is not made simpler by a smaller seed, so there is nothing to shrink.
EXAMPLES = settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
delays = st.sampled_from(["any", "none or longest", "longest"])


def delay(kind: str, chance: random.Random) -> Callable[[], float]:
    """How long a request or an answer takes, each time anew."""
    choices: dict[str, Callable[[], float]] = {
        "any": lambda: chance.uniform(0, LONGEST_DELAY_SECONDS),
        "none or longest": lambda: chance.choice([0.0, LONGEST_DELAY_SECONDS]),
        "longest": lambda: LONGEST_DELAY_SECONDS,
    }
    return choices[kind]


@EXAMPLES
@given(st.integers(0, 2**32), delays, st.sampled_from([0.0, 1.0, 20.0]))
def test_fifty_writers_within_the_promise_lose_nothing(seed: int, kind: str, spread_seconds: float) -> None:
    chance = random.Random(seed)
    scheduler = Scheduler()
    coming, going, staying = service_accounts(50)[:35], service_accounts(50)[35:], "others:others"
    policy = Policy(policy_with(*going, staying), scheduler)
    for subject in [*coming, *going]:
        asked = request(subject, "present" if subject in coming else "absent")
        slowness = delay(kind, chance)
        policy.start_writer(asked, SETTLE_SECONDS, slowness, chance.uniform(0, spread_seconds))

    scheduler.run()

    assert policy.document["Statement"][0] == THEIRS
    assert set(trusted_subjects(policy.document, TRUST)) == {staying, *coming}


@EXAMPLES
@given(st.integers(0, 2**32), delays)
def test_a_writer_who_does_not_watch_destroys_nothing_that_others_watch(seed: int, kind: str) -> None:
    chance = random.Random(seed)
    scheduler = Scheduler()
    policy = Policy(policy_with(), scheduler)
    watching, careless = service_accounts(12)[:6], service_accounts(12)[6:]
    for subject in [*watching, *careless]:
        settle_seconds = SETTLE_SECONDS if subject in watching else 0.0
        slowness = delay(kind, chance)
        policy.start_writer(request(subject), settle_seconds, slowness, chance.uniform(0, 5))

    scheduler.run()

    assert set(watching) <= set(trusted_subjects(policy.document, TRUST))


def test_a_slower_writer_than_promised_can_destroy_it() -> None:
    scheduler = Scheduler()
    policy = Policy(policy_with(), scheduler)
    policy.start_writer(request("slow:writer"), 0.0, lambda: SETTLE_SECONDS)
    policy.start_writer(request("quick:writer"), SETTLE_SECONDS, lambda: 0.0)

    scheduler.run()

    assert trusted_subjects(policy.document, TRUST) == ["slow:writer"]


def test_the_next_run_mends_what_a_slower_writer_destroyed() -> None:
    scheduler = Scheduler()
    policy = Policy(policy_with(), scheduler)
    policy.start_writer(request("slow:writer"), 0.0, lambda: SETTLE_SECONDS)
    policy.start_writer(request("quick:writer"), SETTLE_SECONDS, lambda: 0.0)
    policy.start_writer(request("quick:writer"), SETTLE_SECONDS, lambda: 0.0, after_seconds=30)

    scheduler.run()

    assert set(trusted_subjects(policy.document, TRUST)) == {"slow:writer", "quick:writer"}


def test_without_watching_two_writers_can_lose_one() -> None:
    scheduler = Scheduler()
    policy = Policy(policy_with(), scheduler)
    for subject in ("one:writer", "other:writer"):
        policy.start_writer(request(subject), 0.0, lambda: 1.0)

    scheduler.run()

    assert len(trusted_subjects(policy.document, TRUST)) == 1


def test_one_writer_alone_writes_once() -> None:
    scheduler = Scheduler()
    policy = Policy(policy_with(), scheduler)
    policy.start_writer(request("one:writer"), SETTLE_SECONDS, lambda: 0.1)

    scheduler.run()

    assert policy.writes == 1
    assert SETTLE_SECONDS <= scheduler.clock() <= SETTLE_SECONDS + 1.5
