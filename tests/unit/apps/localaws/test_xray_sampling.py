"""X-Ray's sampling rules and targets, through its operations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from localaws.service import Request, ServiceError
from support.xray import Call, Clock, xray_caller, xray_service

RULE = {
    "RuleName": "everything",
    "ResourceARN": "*",
    "Priority": 100,
    "FixedRate": 1.0,
    "ReservoirSize": 5,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
}
ARN = "arn:aws:xray:eu-west-1:123456789012:sampling-rule/"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call(clock: Clock) -> Call:
    return xray_caller(xray_service(clock))


def rules(call: Call) -> list[dict[str, Any]]:
    return [record["SamplingRule"] for record in call("GetSamplingRules")["SamplingRuleRecords"]]


def report(rule: str = "everything", client: str = "a") -> dict[str, Any]:
    counts = {"RequestCount": 9, "SampledCount": 9, "BorrowCount": 0}
    return {"RuleName": rule, "ClientID": client * 24, "Timestamp": datetime.now(UTC), **counts}


def test_default_rule_is_always_there(call: Call) -> None:
    (rule,) = rules(call)
    assert (rule["RuleName"], rule["Priority"], rule["FixedRate"], rule["ReservoirSize"]) == ("Default", 10000, 0.05, 1)
    for named in ({"RuleName": "Default"}, {"RuleARN": f"{ARN}Default"}):
        with pytest.raises(ServiceError, match="InvalidRequestException: The Default"):
            call("DeleteSamplingRule", **named)


def test_default_rule_changes_only_in_rate_and_reservoir(call: Call) -> None:
    call("UpdateSamplingRule", SamplingRuleUpdate={"RuleName": "Default", "FixedRate": 0.5, "ReservoirSize": 7})
    assert [(rule["FixedRate"], rule["ReservoirSize"]) for rule in rules(call)] == [(0.5, 7)]
    with pytest.raises(ServiceError, match="Only FixedRate and ReservoirSize"):
        call("UpdateSamplingRule", SamplingRuleUpdate={"RuleName": "Default", "Priority": 5})


def test_rule_lives_through_create_update_delete(call: Call, clock: Clock) -> None:
    created = call("CreateSamplingRule", SamplingRule=RULE)["SamplingRuleRecord"]
    assert created["SamplingRule"] == {**RULE, "Attributes": {}, "RuleARN": f"{ARN}everything"}
    clock.now += 5
    change = {"RuleARN": f"{ARN}everything", "FixedRate": 0.1}
    updated = call("UpdateSamplingRule", SamplingRuleUpdate=change)["SamplingRuleRecord"]
    assert updated["SamplingRule"] == {**created["SamplingRule"], "FixedRate": 0.1}
    assert (updated["ModifiedAt"] - updated["CreatedAt"]).total_seconds() == 5
    assert call("DeleteSamplingRule", RuleName="everything")["SamplingRuleRecord"] == updated
    assert [rule["RuleName"] for rule in rules(call)] == ["Default"]


def test_rules_come_by_priority(call: Call) -> None:
    for name, priority in [("b", 7), ("c", 3), ("a", 7)]:
        call("CreateSamplingRule", SamplingRule={**RULE, "RuleName": name, "Priority": priority})
    assert [rule["RuleName"] for rule in rules(call)] == ["c", "a", "b", "Default"]


@pytest.mark.parametrize(
    "change",
    [
        {"RuleName": "Default"},
        {"RuleName": None},
        {"RuleARN": f"{ARN}everything"},
        {"Priority": 0},
        {"Priority": 10000},
        {"FixedRate": 1.1},
        {"FixedRate": -0.1},
        {"ReservoirSize": -1},
        {"Version": 2},
    ],
)
def test_wrong_rule_is_refused(call: Call, change: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="InvalidRequestException"):
        call("CreateSamplingRule", SamplingRule={**RULE, **change})
    assert len(rules(call)) == 1


def test_name_is_given_once(call: Call) -> None:
    call("CreateSamplingRule", SamplingRule=RULE)
    with pytest.raises(ServiceError, match="already exists"):
        call("CreateSamplingRule", SamplingRule=RULE)


def test_wrong_update_changes_nothing(call: Call) -> None:
    call("CreateSamplingRule", SamplingRule=RULE)
    before = rules(call)
    with pytest.raises(ServiceError, match="Priority"):
        call("UpdateSamplingRule", SamplingRuleUpdate={"RuleName": "everything", "FixedRate": 0.0, "Priority": 0})
    assert rules(call) == before


@pytest.mark.parametrize("named", [{}, {"RuleName": "x"}, {"RuleName": "Default", "RuleARN": f"{ARN}Default"}])
def test_rule_must_be_named_and_known(call: Call, named: dict[str, str]) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("DeleteSamplingRule", named),
        ("UpdateSamplingRule", {"SamplingRuleUpdate": named}),
    ]
    for operation, parameters in calls:
        with pytest.raises(ServiceError, match="InvalidRequestException"):
            call(operation, **parameters)


def test_there_are_at_most_25_rules_of_ones_own(call: Call) -> None:
    for number in range(25):
        call("CreateSamplingRule", SamplingRule={**RULE, "RuleName": f"rule-{number}"})
    with pytest.raises(ServiceError, match="RuleLimitExceededException"):
        call("CreateSamplingRule", SamplingRule=RULE)


def test_clients_share_the_reservoir_and_leave_it(call: Call, clock: Clock) -> None:
    call("CreateSamplingRule", SamplingRule=RULE)

    def quotas(*clients: str) -> list[int]:
        documents = [report(client=client) for client in clients]
        targets = call("GetSamplingTargets", SamplingStatisticsDocuments=documents)["SamplingTargetDocuments"]
        return [target["ReservoirQuota"] for target in targets]

    assert quotas("a") == [5]
    assert quotas("a", "b") == [3, 2]
    clock.now += 31
    assert quotas("b") == [5]


def test_target_tells_rate_quota_and_times(call: Call, clock: Clock) -> None:
    answer = call("GetSamplingTargets", SamplingStatisticsDocuments=[report("Default"), report("gone")])
    now = datetime.fromtimestamp(clock.now, UTC)
    assert answer["LastRuleModification"] == now
    (target,) = answer["SamplingTargetDocuments"]
    assert (target["RuleName"], target["FixedRate"], target["ReservoirQuota"], target["Interval"]) == (
        "Default",
        0.05,
        1,
        10,
    )
    assert (target["ReservoirQuotaTTL"] - now).total_seconds() == 10
    assert [entry["RuleName"] for entry in answer["UnprocessedStatistics"]] == ["gone"]


def test_change_of_rules_moves_their_modification_time(call: Call, clock: Clock) -> None:
    def modified() -> datetime:
        moment: datetime = call("GetSamplingTargets", SamplingStatisticsDocuments=[])["LastRuleModification"]
        return moment

    times = [modified()]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("CreateSamplingRule", {"SamplingRule": RULE}),
        ("UpdateSamplingRule", {"SamplingRuleUpdate": {"RuleName": "everything", "FixedRate": 0.2}}),
        ("DeleteSamplingRule", {"RuleName": "everything"}),
    ]
    for operation, parameters in calls:
        clock.now += 1
        call(operation, **parameters)
        times.append(modified())
    assert times == sorted(set(times))


def test_reports_are_counted_by_rule_and_interval(call: Call, clock: Clock) -> None:
    call("CreateSamplingRule", SamplingRule=RULE)

    def tell(second: float, **counts: Any) -> None:
        document = {**report(), "Timestamp": datetime.fromtimestamp(second, UTC), **counts}
        call("GetSamplingTargets", SamplingStatisticsDocuments=[document])

    start = clock.now - 10
    tell(start)
    tell(start + 9, RequestCount=1, SampledCount=1, BorrowCount=1)
    tell(start + 10)
    tell(start + 1000)
    counted = [(told["Timestamp"].timestamp(), told["RequestCount"], told["BorrowCount"]) for told in reports(call)]
    assert counted == [(start, 10, 1), (start + 10, 18, 0)]
    assert {(told["RuleName"], told["SampledCount"]) for told in reports(call)} == {
        ("everything", 10),
        ("everything", 18),
    }
    clock.now += 301
    assert len(reports(call)) == 1
    clock.now += 10
    assert reports(call) == []


def reports(call: Call) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = call("GetSamplingStatisticSummaries")["SamplingStatisticSummaries"]
    return told


def test_dump_has_the_rules_without_times() -> None:
    service = xray_service(Clock())
    request = Request("CreateSamplingRule", {"SamplingRule": RULE}, "eu-west-1", "123456789012")
    service.operations["CreateSamplingRule"](request)
    assert [rule["RuleName"] for rule in service.dump()["eu-west-1"]["sampling_rules"]] == ["everything"]
