"""The decision to sample: X-Ray's centralised rules through the daemon's TCP port, local rules until they are there."""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable
from time import monotonic, time
from typing import Any, NamedTuple
from weakref import WeakSet

from aws_xray_sdk.core.sampling.connector import ServiceConnector
from aws_xray_sdk.core.sampling.local.sampler import LocalSampler
from aws_xray_sdk.core.sampling.reservoir import ReservoirDecision
from botocore.exceptions import BotoCoreError, ClientError

from tracing.counting import Counter
from tracing.settings import Address
from tracing.threads import start_outside

logger = logging.getLogger(__name__)

# The intervals of X-Ray's own SDKs; a daemon that did not answer is asked again sooner, for it may just have started.
_RULES_SECONDS = 300.0
_TARGETS_SECONDS = 10.0
_RETRY_SECONDS = 2.0
_RULES_LAST_SECONDS = 3600.0
_REMEMBERED_MATCHES = 2048
_REMEMBERED_CHARACTERS = 1000

_die = random.Random().random  # noqa: S311 - no secret hangs on it


Source = Address | Callable[[], Any]
"""Where rules come from: the TCP port of a daemon, or what makes a client of X-Ray's API."""


# Service, host, method, path.
Request = tuple[str, ...]


class Decision(NamedTuple):
    """Whether a request is sampled, and by which centralised rule."""

    sampled: bool
    rule: str | None = None


_LOCALLY_YES, _LOCALLY_NO = Decision(sampled=True), Decision(sampled=False)


class _Use:
    """What a rule of one name has decided; it goes on when the rules are fetched anew."""

    def __init__(self) -> None:
        self.requests, self.borrowed, self.sampled = Counter(), Counter(), Counter()
        self.reported = self.told = (0, 0, 0)

    def total(self) -> tuple[int, int, int]:
        return self.requests.value, self.borrowed.value, self.sampled.value


class Rule:
    """A rule as the SDK fetched it, and what it has decided; `before` is the rule of its name that it replaces.

    Source: X-Ray developer guide, "Using X-Ray sampling rules with the X-Ray API": take from the reservoir up to the
    quota, or borrow one request a second where there is no valid quota, else throw the die of the fixed rate.
    """

    def __init__(self, fetched: Any, before: Rule | None = None) -> None:
        if before is not None:
            fetched.reservoir = before.fetched.reservoir
        self.fetched: Any = fetched
        self.name = str(fetched.name)
        self._use: _Use = _Use() if before is None else before._use
        self._rate = fetched.rate
        self._empty_until = 0
        self._yes, self._no = Decision(sampled=True, rule=self.name), Decision(sampled=False, rule=self.name)

    def applies_to(self, request: dict[str, str]) -> bool:
        """Whether it decides for a request with this service, host, method and path."""
        return bool(self.fetched.is_default() or self.fetched.match(request))

    def decide(self) -> Decision:
        """Decides for a request to which the rule applies, and counts it.

        The SDK's reservoir is behind a lock; once it is empty it is not asked again within that second.
        """
        use = self._use
        use.requests.add()
        now = time()
        if now >= self._empty_until:
            taken = self.fetched.reservoir.borrow_or_take(int(now), self.fetched.can_borrow)
            if taken is ReservoirDecision.BORROW or taken is ReservoirDecision.TAKE:
                (use.borrowed if taken is ReservoirDecision.BORROW else use.sampled).add()
                return self._yes
            self._empty_until = int(now) + 1
        if _die() < self._rate:
            use.sampled.add()
            return self._yes
        return self._no

    def aim(self, target: dict[str, Any]) -> None:
        """Takes the quota and the rate that X-Ray has given to this client."""
        self.fetched.reservoir.load_quota(target["quota"], target["TTL"], target["interval"])
        self._rate = target["rate"]
        self._empty_until = 0

    def is_due(self) -> bool:
        """Whether its use is to be reported: it was used, and as many reports were left out as X-Ray has asked for."""
        return self._use.requests.value > self._use.reported[0] and bool(self.fetched.time_to_report())

    def snapshot_statistics(self) -> dict[str, int]:
        """Its use since the last report that arrived, under the names by which the SDK's connector asks for it."""
        use = self._use
        use.told = use.total()
        since = (now - then for now, then in zip(use.told, use.reported, strict=True))
        return dict(zip(("request_count", "borrow_count", "sampled_count"), since, strict=True))

    def is_reported(self) -> None:
        """Notes that the last snapshot has arrived."""
        self._use.reported = self._use.told


class LocalRule:
    """The SDK's own rule for where there are none of the account: one request a second, and 5 %."""

    def __init__(self) -> None:
        self._sampler = LocalSampler()

    def decide(self) -> Decision:
        """Decides for one request."""
        return _LOCALLY_YES if self._sampler.should_trace() else _LOCALLY_NO


class RuleSet:
    """The rules as they were fetched, by priority; it is replaced as a whole.

    Matching costs some microseconds a rule, so what matched is remembered as long as the set lives.
    """

    def __init__(self, fetched: list[Any], before: RuleSet | None = None) -> None:
        known = {rule.name: rule for rule in before.rules} if before is not None else {}
        in_order = sorted(fetched, key=lambda rule: (rule.priority, rule.name))
        self.remembered: dict[Request, Rule | LocalRule] = {}
        self._local: LocalRule = LocalRule() if before is None else before._local
        self.rules: tuple[Rule, ...] = tuple(Rule(rule, known.get(rule.name)) for rule in in_order)

    def match(self, request: Request) -> Rule | LocalRule:
        """The first rule that applies to a request, else the local one; "Default" applies to every request."""
        named = dict(zip(("service", "host", "method", "path"), request, strict=True))
        found = next((rule for rule in self.rules if rule.applies_to(named)), self._local)
        if len(self.remembered) >= _REMEMBERED_MATCHES:
            self.remembered.clear()
        if sum(map(len, request)) <= _REMEMBERED_CHARACTERS:
            self.remembered[request] = found
        return found


class Sampler:
    """Decides by the account's sampling rules, or by one a second and 5 % (the SDK's local rule) without them.

    A thread of its own keeps the rules; it starts with `start` or the first decision, and again after a fork.
    """

    _keeper: _Keeper
    _is_started: bool

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reset()
        _samplers.add(self)

    def start(self, wait_seconds: float = 0.0) -> None:
        """Starts the thread that keeps the rules, once per process; waits for the daemon's first answer."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                start_outside(self._keeper.run, "xray-sampling")
        self._keeper.asked.wait(wait_seconds)

    def stop(self) -> None:
        """Ends the thread; a later decision starts another."""
        self._keeper.stopped.set()
        self._reset()

    def decide(self, *request: str) -> Decision:
        """Decides for a request (service, host, method, path), and counts it for the rule that applies to it."""
        if not self._is_started:
            self.start()
        rules = self._keeper.rule_set
        return (rules.remembered.get(request) or rules.match(request)).decide()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._is_started = False
        self._keeper = _Keeper(self._source)


_samplers: WeakSet[Sampler] = WeakSet()


def _reset_after_fork() -> None:
    for sampler in _samplers:
        sampler._reset()


os.register_at_fork(after_in_child=_reset_after_fork)


class _Keeper:
    """Fetches rules and reports their use until it is told to stop."""

    def __init__(self, source: Source) -> None:
        self.rule_set = RuleSet([])
        self.asked = threading.Event()
        self.stopped = threading.Event()
        self._source = source
        self._fetched_at = 0.0
        self._asked_at = 0
        self._answers = True

    def run(self) -> None:
        """The thread's work."""
        connector = ServiceConnector()
        if callable(self._source):
            connector.setup_xray_client(None, None, self._source())
        else:
            connector.setup_xray_client(*self._source, None)
        while not self.stopped.is_set():
            fetched = self._attempt(self._fetch_rules, connector)
            self.asked.set()
            if fetched:
                self._report_until_rules_are_due(connector)
            else:
                self._forget_old_rules()
                self.stopped.wait(_RETRY_SECONDS)

    def _report_until_rules_are_due(self, connector: ServiceConnector) -> None:
        """Reports what the rules decided and takes the targets; returns where the rules are old or have changed."""
        rules_due_at = self._fetched_at + _RULES_SECONDS
        changed = False
        while not changed and monotonic() < rules_due_at and not self.stopped.wait(_TARGETS_SECONDS):
            changed = self._attempt(self._fetch_targets, connector)

    def _forget_old_rules(self) -> None:
        if self.rule_set.rules and monotonic() > self._fetched_at + _RULES_LAST_SECONDS:
            self.rule_set = RuleSet([])

    def _attempt(self, call: Callable[[ServiceConnector], bool], connector: ServiceConnector) -> bool:
        try:
            result = call(connector)
        except (BotoCoreError, ClientError, OSError, LookupError) as error:
            if self._answers:
                source = "X-Ray" if callable(self._source) else "{}:{}".format(*self._source)
                logger.warning("sampling rules cannot be had from %s, local ones hold: %s", source, error)
            self._answers = False
            return False
        self._answers = True
        return result

    def _fetch_rules(self, connector: ServiceConnector) -> bool:
        began_at = int(time())
        fetched = connector.fetch_sampling_rules()
        if not fetched:
            return False
        self.rule_set = RuleSet(fetched, self.rule_set)
        self._fetched_at = monotonic()
        self._asked_at = began_at
        return True

    def _fetch_targets(self, connector: ServiceConnector) -> bool:
        """True where the account's rules were modified after they were fetched."""
        used = [rule for rule in self.rule_set.rules if rule.is_due()]
        if not used:
            return False
        targets, modified_at = connector.fetch_sampling_target(used)
        for rule in used:
            rule.is_reported()
            if rule.name in targets:
                rule.aim(targets[rule.name])
        return bool(modified_at >= self._asked_at)
