"""X-Ray's groups: their life, their limits, and the traces that fit them."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.service import ServiceError
from support.xray import Call, Clock, put, segment, trace_id, window, xray_caller, xray_service


@pytest.fixture
def call() -> Call:
    return xray_caller(xray_service(Clock()))


def names(call: Call) -> list[str]:
    return [group["GroupName"] for group in call("GetGroups")["Groups"]]


def test_group_lives_through_create_update_delete(call: Call) -> None:
    created = call("CreateGroup", GroupName="slow", FilterExpression="responsetime > 3")["Group"]
    arn = created["GroupARN"]
    assert arn.startswith("arn:aws:xray:eu-west-1:123456789012:group/slow/")
    assert created["InsightsConfiguration"] == {"InsightsEnabled": False, "NotificationsEnabled": False}
    assert call("GetGroup", GroupARN=arn)["Group"] == created
    updated = call("UpdateGroup", GroupName="slow", FilterExpression="responsetime > 5")["Group"]
    assert updated == {**created, "FilterExpression": "responsetime > 5"}
    assert names(call) == ["Default", "slow"]
    call("DeleteGroup", GroupARN=arn)
    assert names(call) == ["Default"]


def test_group_filters_summaries_and_the_graph(call: Call) -> None:
    put(call, segment(name="front"), segment(name="other", trace_id=trace_id(2), fault=True))
    call("CreateGroup", GroupName="failed", FilterExpression="fault")
    by_group = {"FilterExpression": 'group.name = "failed"', **window()}
    assert [found["Id"] for found in call("GetTraceSummaries", **by_group)["TraceSummaries"]] == [trace_id(2)]
    services = call("GetServiceGraph", GroupName="failed", **window())["Services"]
    assert {service["Name"] for service in services} == {"other"}
    call("UpdateGroup", GroupName="failed", FilterExpression="ok")
    assert [found["Id"] for found in call("GetTraceSummaries", **by_group)["TraceSummaries"]] == [trace_id()]
    call("DeleteGroup", GroupName="failed")
    with pytest.raises(ServiceError, match="Invalid filter expression: there is no group with name 'failed'"):
        call("GetTraceSummaries", **by_group)


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("CreateGroup", {"GroupName": "Default"}, "already exists"),
        ("CreateGroup", {"GroupName": "x", "FilterExpression": "nonsense"}, "Invalid filter expression: unexpected"),
        ("CreateGroup", {"GroupName": "x", "FilterExpression": 'group.name = "Default"'}, "there is no group"),
        ("UpdateGroup", {"GroupName": "Default", "FilterExpression": "ok"}, "cannot be changed"),
        ("UpdateGroup", {"GroupName": "x"}, "The group x does not exist"),
        ("DeleteGroup", {"GroupName": "Default"}, "cannot be deleted"),
        ("DeleteGroup", {"GroupARN": "arn:x"}, "The group arn:x does not exist"),
        ("GetGroup", {}, "Give either GroupName or GroupARN"),
        ("GetGroups", {"NextToken": "x"}, "NextToken is not valid"),
    ],
)
def test_wrong_group_is_refused(call: Call, operation: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError, match=f"InvalidRequestException: .*{message}"):
        call(operation, **parameters)
    assert names(call) == ["Default"]


def test_there_are_at_most_25_groups_of_ones_own(call: Call) -> None:
    for number in range(25):
        call("CreateGroup", GroupName=f"group-{number}")
    with pytest.raises(ServiceError, match="There are 25 groups already"):
        call("CreateGroup", GroupName="one-more")


def test_dump_has_the_groups_without_what_was_made_up() -> None:
    service = xray_service(Clock())
    xray_caller(service)("CreateGroup", GroupName="slow", FilterExpression="responsetime > 3")
    insights = {"InsightsEnabled": False, "NotificationsEnabled": False}
    slow = {"GroupName": "slow", "FilterExpression": "responsetime > 3", "InsightsConfiguration": insights}
    assert service.dump() == {"eu-west-1": {"groups": [slow]}}
