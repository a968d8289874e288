"""Sampling rules of one region, and the targets that clients get for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from localaws.service import ServiceError
from localaws.xray.moments import moment

RULE_LIMIT: Final = 25
"""AWS X-Ray quotas: custom sampling rules per region."""
INTERVAL_SECONDS: Final = 10
"""How often clients report, and how long a quota holds (X-Ray developer guide, "Using sampling rules with the API")."""
REPORTS_KEPT_SECONDS: Final = 300
_COUNTS: Final = ("RequestCount", "BorrowCount", "SampledCount")
_DEFAULT: Final = "Default"
_DEFAULT_CHANGES: Final = {"FixedRate", "ReservoirSize"}
_DEFAULT_RULE: Final[dict[str, Any]] = {
    "RuleName": _DEFAULT,
    "ResourceARN": "*",
    "Priority": 10000,
    "FixedRate": 0.05,
    "ReservoirSize": 1,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
    "Attributes": {},
}


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)


class SamplingRules:
    """Keeps the rules; the Default rule is always there."""

    def __init__(self, clock: Callable[[], float], arn_prefix: str) -> None:
        self._clock = clock
        self._arn_prefix = arn_prefix
        self._lock = threading.Lock()
        self._reports: dict[tuple[int, str], dict[str, int]] = {}
        self._clients: dict[str, dict[str, float]] = {}
        self._modified = clock()
        self._records: dict[str, dict[str, Any]] = {}
        self._records[_DEFAULT] = self._record(_DEFAULT_RULE)

    def records(self) -> list[dict[str, Any]]:
        """Every record, in the order in which clients try them: by priority, then by name."""
        with self._lock:
            records = list(self._records.values())
        return sorted(records, key=_order)

    def own(self) -> list[dict[str, Any]]:
        """The rules that are not as AWS ships them, in the order of records()."""
        rules = [record["SamplingRule"] for record in self.records()]
        return [rule for rule in rules if {**rule, **_DEFAULT_RULE} != rule]

    def create(self, rule: dict[str, Any]) -> dict[str, Any]:
        """Adds a rule. Raises ServiceError for a name that is taken, a wrong value or one rule too many."""
        name = rule.get("RuleName")
        if not name or "RuleARN" in rule:
            raise _refused("A rule is created by a RuleName, and gets its RuleARN.")
        _check(rule)
        with self._lock:
            if name in self._records:
                raise _refused(f"A sampling rule with the name {name} already exists.")
            if len(self._records) > RULE_LIMIT:
                raise ServiceError("RuleLimitExceededException", f"There are {RULE_LIMIT} sampling rules already.")
            record = self._records[name] = self._record({"Attributes": {}, **rule})
            return record

    def update(self, change: dict[str, Any]) -> dict[str, Any]:
        """Changes the members that are given. Raises ServiceError; of Default only rate and reservoir can change."""
        members = {key: value for key, value in change.items() if key not in ("RuleName", "RuleARN")}
        with self._lock:
            record = self._named(change)
            rule = record["SamplingRule"]
            if rule["RuleName"] == _DEFAULT and set(members) - _DEFAULT_CHANGES:
                raise _refused("Only FixedRate and ReservoirSize of the Default rule can be changed.")
            changed = {**rule, **members}
            check = _check_amounts if rule["RuleName"] == _DEFAULT else _check
            check(changed)
            record = self._record(changed, record["CreatedAt"])
            self._records[rule["RuleName"]] = record
            return record

    def delete(self, named: dict[str, Any]) -> dict[str, Any]:
        """Takes a rule away and returns its record. Raises ServiceError; Default stays."""
        with self._lock:
            record = self._named(named)
            name = record["SamplingRule"]["RuleName"]
            if name == _DEFAULT:
                raise _refused("The Default sampling rule cannot be deleted.")
            self._clients.pop(name, None)
            self._modified = self._clock()
            return self._records.pop(name)

    def targets(self, statistics: list[dict[str, Any]]) -> dict[str, Any]:
        """What each reporting client may sample: an even share of the reservoir among the clients of a rule."""
        with self._lock:
            known = [document for document in statistics if document["RuleName"] in self._records]
            for document in known:
                self._clients.setdefault(document["RuleName"], {})[document["ClientID"]] = self._clock()
                self._count(document)
            return {
                "SamplingTargetDocuments": [self._target(document) for document in known],
                "LastRuleModification": moment(self._modified),
                "UnprocessedStatistics": [_unprocessed(document) for document in statistics if document not in known],
            }

    def statistics(self) -> list[dict[str, Any]]:
        """What clients reported of each rule in each interval of the last minutes, oldest first."""
        with self._lock:
            self._forget_old_reports()
            return [
                {"RuleName": name, "Timestamp": moment(number * INTERVAL_SECONDS), **counts}
                for (number, name), counts in sorted(self._reports.items())
            ]

    def _count(self, document: dict[str, Any]) -> None:
        """Adds a client's report to those of the same rule and interval."""
        self._forget_old_reports()
        interval = int(min(document["Timestamp"].timestamp(), self._clock()) // INTERVAL_SECONDS)
        counts = self._reports.setdefault((interval, document["RuleName"]), dict.fromkeys(_COUNTS, 0))
        for name in _COUNTS:
            counts[name] += document.get(name, 0)

    def _forget_old_reports(self) -> None:
        oldest = (self._clock() - REPORTS_KEPT_SECONDS) // INTERVAL_SECONDS
        for key in [key for key in self._reports if key[0] < oldest]:
            del self._reports[key]

    def _record(self, rule: dict[str, Any], created: datetime | None = None) -> dict[str, Any]:
        self._modified = self._clock()
        named = {**rule, "RuleARN": f"{self._arn_prefix}:sampling-rule/{rule['RuleName']}"}
        now = moment(self._modified)
        return {"SamplingRule": named, "CreatedAt": created or now, "ModifiedAt": now}

    def _named(self, request: dict[str, Any]) -> dict[str, Any]:
        """The record that a request names, by name or by ARN but not by both."""
        name, arn = request.get("RuleName"), request.get("RuleARN")
        if (name is None) == (arn is None):
            raise _refused("Give either RuleName or RuleARN.")
        for record in self._records.values():
            if name == record["SamplingRule"]["RuleName"] or arn == record["SamplingRule"]["RuleARN"]:
                return record
        raise _refused(f"Sampling rule {name or arn} does not exist.")

    def _target(self, document: dict[str, Any]) -> dict[str, Any]:
        """The quota of one client; clients count while they report at least every third interval."""
        name = document["RuleName"]
        rule, now = self._records[name]["SamplingRule"], self._clock()
        clients = self._clients[name]
        for client in [client for client, seen in clients.items() if seen < now - 3 * INTERVAL_SECONDS]:
            del clients[client]
        rank = sorted(clients).index(document["ClientID"])
        share, rest = divmod(rule["ReservoirSize"], len(clients))
        return {
            "RuleName": name,
            "FixedRate": rule["FixedRate"],
            "ReservoirQuota": share + (rank < rest),
            "ReservoirQuotaTTL": moment(now + INTERVAL_SECONDS),
            "Interval": INTERVAL_SECONDS,
        }


def _order(record: dict[str, Any]) -> tuple[int, str]:
    rule = record["SamplingRule"]
    return rule["Priority"], rule["RuleName"]


def _check(rule: dict[str, Any]) -> None:
    """The limits of a rule of one's own; those botocore's model has are checked here too, as for a raw request."""
    if not 1 <= rule["Priority"] <= 9999:
        raise _refused("Priority must be between 1 and 9999.")
    if rule["Version"] != 1:
        raise _refused("Version must be 1.")
    _check_amounts(rule)


def _check_amounts(rule: dict[str, Any]) -> None:
    if not 0 <= rule["FixedRate"] <= 1:
        raise _refused("FixedRate must be between 0 and 1.")
    if rule["ReservoirSize"] < 0:
        raise _refused("ReservoirSize must not be negative.")


def _unprocessed(document: dict[str, Any]) -> dict[str, Any]:
    return {"RuleName": document["RuleName"], "ErrorCode": "404", "Message": "There is no such sampling rule."}
