"""The decision to sample: X-Ray's centralised rules through the daemon's TCP port, local rules until they are there."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from aws_xray_sdk.core.sampling.connector import ServiceConnector
from aws_xray_sdk.core.sampling.local.sampler import LocalSampler
from aws_xray_sdk.core.sampling.reservoir import ReservoirDecision
from botocore.exceptions import BotoCoreError, ClientError

from tracing.settings import Address

logger = logging.getLogger(__name__)

# The intervals of X-Ray's own SDKs; a daemon that did not answer is asked again sooner, for it may just have started.
_RULES_SECONDS = 300.0
_TARGETS_SECONDS = 10.0
_RETRY_SECONDS = 2.0
_RULES_LAST_SECONDS = 3600.0
_REMEMBERED_MATCHES = 2048


class Decision(NamedTuple):
    """Whether a request is sampled, and by which centralised rule."""

    sampled: bool
    rule: str | None = None


class RuleSet:
    """The rules as they were fetched, by priority; it is replaced as a whole.

    Matching costs some microseconds a rule, so what matched is remembered as long as the set lives.
    """

    def __init__(self, rules: list[Any]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.priority, rule.name)))
        self._matches: dict[tuple[str, str, str, str], Any] = {}

    def match(self, service: str, host: str, method: str, path: str) -> Any:
        """The first rule that applies to a request, or None; the rule "Default" applies to every request."""
        key = (service, host, method, path)
        if key in self._matches:
            return self._matches[key]
        if len(self._matches) >= _REMEMBERED_MATCHES:
            self._matches.clear()
        request = {"service": service, "host": host, "method": method, "path": path}
        found = next((rule for rule in self.rules if rule.is_default() or rule.match(request)), None)
        self._matches[key] = found
        return found


class Sampler:
    """Decides by the account's sampling rules, or by one a second and 5 % (the SDK's local rule) without them.

    A thread of its own keeps the rules; it starts with `start` or the first decision, and again after a fork.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._process_id = 0
        self._local = LocalSampler()
        self._keeper = _Keeper(address)

    def start(self, wait_seconds: float = 0.0) -> None:
        """Starts the thread that keeps the rules, once per process; waits for the daemon's first answer."""
        with self._lock:
            if self._process_id != os.getpid():
                self._process_id = os.getpid()
                self._local = LocalSampler()
                self._keeper = _Keeper(self._address)
                threading.Thread(target=self._keeper.run, name="xray-sampling", daemon=True).start()
        self._keeper.asked.wait(wait_seconds)

    def stop(self) -> None:
        """Ends the thread; a later decision starts another."""
        self._keeper.stopped.set()
        self._process_id = 0

    def decide(self, service: str, host: str, method: str, path: str) -> Decision:
        """Decides for one request; counts it for the rule that matched."""
        if self._process_id != os.getpid():
            self.start()
        rule = self._keeper.rule_set.match(service, host, method, path)
        if rule is None:
            return Decision(bool(self._local.should_trace({"host": host, "method": method, "path": path})))
        return Decision(_take(rule), str(rule.name))


def _take(rule: Any) -> bool:
    """Takes from the rule's reservoir, else throws its die."""
    rule.increment_request_count()
    reservoir = rule.reservoir  # None once a newer rule of this name has taken it over
    decision = reservoir and reservoir.borrow_or_take(int(time.time()), rule.can_borrow)
    if decision == ReservoirDecision.BORROW:
        rule.increment_borrow_count()
        return True
    if decision == ReservoirDecision.TAKE or random.random() < rule.rate:  # noqa: S311 - no secret hangs on it
        rule.increment_sampled_count()
        return True
    return False


class _Keeper:
    """Fetches rules and reports their use until it is told to stop."""

    def __init__(self, address: Address) -> None:
        self.rule_set = RuleSet([])
        self.asked = threading.Event()
        self.stopped = threading.Event()
        self._address = address
        self._fetched_at = 0.0
        self._asked_at = 0
        self._answers = True

    def run(self) -> None:
        """The thread's work."""
        connector = ServiceConnector()
        connector.setup_xray_client(*self._address, None)
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
        while not changed and time.monotonic() < rules_due_at and not self.stopped.wait(_TARGETS_SECONDS):
            changed = self._attempt(self._fetch_targets, connector)

    def _forget_old_rules(self) -> None:
        if self.rule_set.rules and time.monotonic() > self._fetched_at + _RULES_LAST_SECONDS:
            self.rule_set = RuleSet([])

    def _attempt(self, call: Callable[[ServiceConnector], bool], connector: ServiceConnector) -> bool:
        try:
            result = call(connector)
        except (BotoCoreError, ClientError, OSError, LookupError) as error:
            if self._answers:
                logger.warning("sampling rules cannot be had from %s:%s, local ones hold: %s", *self._address, error)
            self._answers = False
            return False
        self._answers = True
        return result

    def _fetch_rules(self, connector: ServiceConnector) -> bool:
        began_at = int(time.time())
        fetched = connector.fetch_sampling_rules()
        if not fetched:
            return False
        before = {rule.name: rule for rule in self.rule_set.rules}
        for rule in fetched:
            if rule.name in before:
                rule.merge(before[rule.name])
        self.rule_set = RuleSet(fetched)
        self._fetched_at = time.monotonic()
        self._asked_at = began_at
        return True

    def _fetch_targets(self, connector: ServiceConnector) -> bool:
        """True where the account's rules were modified after they were fetched."""
        used = [rule for rule in self.rule_set.rules if rule.ever_matched() and rule.time_to_report()]
        if not used:
            return False
        targets, modified_at = connector.fetch_sampling_target(used)
        for rule in used:
            target = targets.get(rule.name)
            if target is not None:
                rule.reservoir.load_quota(target["quota"], target["TTL"], target["interval"])
                rule.rate = target["rate"]
        return bool(modified_at >= self._asked_at)
