"""Faults on request: throttling, errors, latency, replies that never come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from support.aws_errors import refused
from support.localaws_admin import admin, refusal

THROTTLING = {"code": "ThrottlingException"}


@pytest.fixture(autouse=True)
def no_faults(localaws_url: str) -> Iterator[None]:
    yield
    admin(localaws_url, "DELETE", "faults")


@pytest.fixture
def set_faults(localaws_url: str) -> Any:
    def set_them(*faults: dict[str, Any], **options: Any) -> None:
        admin(localaws_url, "POST", "faults", {"faults": faults, **options})

    return set_them


def outcomes(eks: Any, calls: int) -> str:
    """One letter a call: an answer or an error."""
    told = ""
    for _unused in range(calls):
        try:
            eks.list_clusters()
            told += "a"
        except eks.exceptions.ClientError:
            told += "e"
    return told


@pytest.mark.parametrize("service", ["eks", "iam", "sts", "cloudwatch", "logs"])
def test_error_answers_in_the_words_of_each_protocol(service: str, clients: Any, set_faults: Any) -> None:
    set_faults({"service": service, "error": {"code": "ThrottlingX", "message": "slowly", "status": 429}})
    calls = {
        "eks": "list_clusters",
        "iam": "list_roles",
        "sts": "get_caller_identity",
        "cloudwatch": "list_metrics",
        "logs": "describe_log_groups",
    }
    with refused("ThrottlingX", 429, "slowly"):
        getattr(clients(service), calls[service])()


def test_status_of_a_fault_comes_before_that_of_the_model(eks: Any, set_faults: Any) -> None:
    set_faults({"error": {"code": "ServerException", "status": 503}})
    with refused("ServerException", 503):
        eks.list_clusters()
    set_faults({"error": {"code": "ServerException"}})
    with refused("ServerException", 500):
        eks.list_clusters()


def test_only_the_named_service_and_operation_are_hit(eks: Any, iam: Any, set_faults: Any, localaws_url: str) -> None:
    fault = {"service": "eks", "operation": "ListAddons", "error": THROTTLING}
    set_faults(fault)
    eks.list_clusters()
    iam.list_roles()
    with refused("ThrottlingException", 429, "Rate exceeded"):
        eks.list_addons(clusterName="deepobs-local")
    assert admin(localaws_url, "GET", "faults") == {"faults": [{**fault, "hits": 1}]}


def test_skip_and_times_choose_the_calls(eks: Any, set_faults: Any) -> None:
    set_faults({"operation": "ListClusters", "skip": 2, "times": 1, "error": THROTTLING})
    assert outcomes(eks, 5) == "aaeaa"


def test_probability_is_repeatable_with_a_seed(eks: Any, set_faults: Any) -> None:
    runs = set()
    for _unused in range(2):
        set_faults({"probability": 0.3, "error": THROTTLING}, random_seed=7)
        runs.add(outcomes(eks, 40))
    assert len(runs) == 1
    assert 4 <= runs.pop().count("e") <= 22


def test_latency_delays_an_answer_that_is_right(eks: Any, set_faults: Any) -> None:
    set_faults({"latency_seconds": 0.3})
    began = time.monotonic()
    assert "deepobs-local" in eks.list_clusters()["clusters"]
    assert time.monotonic() - began >= 0.3


def test_withheld_reply_is_a_call_carried_out_and_never_answered(
    clients: Any, eks: Any, set_faults: Any, localaws_url: str
) -> None:
    set_faults({"operation": "TagResource", "withhold_reply": True})
    arn = eks.describe_cluster(name="deepobs-local")["cluster"]["arn"]
    with pytest.raises(ReadTimeoutError):
        clients("eks", read_timeout=0.5).tag_resource(resourceArn=arn, tags={"withheld": "reply"})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"]["withheld"] == "reply"
    noted = [call for call in admin(localaws_url, "GET", "calls")["calls"] if call["operation"] == "TagResource"]
    assert [(call["status"], call["code"]) for call in noted] == [(200, "")]


def test_deleting_the_faults_closes_the_connections_of_withheld_replies(
    clients: Any, set_faults: Any, localaws_url: str
) -> None:
    set_faults({"operation": "ListClusters", "withhold_reply": True})
    timer = threading.Timer(0.3, admin, (localaws_url, "DELETE", "faults"))
    timer.start()
    with pytest.raises(ConnectionClosedError):
        clients("eks", read_timeout=20).list_clusters()
    timer.join()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "body: an object is wanted"),
        ({}, "faults: a list is wanted"),
        ({"faults": [{}]}, "faults[0]: exactly one of error, latency_seconds, withhold_reply is wanted"),
        ({"faults": [{"latency_seconds": 1, "withhold_reply": True}]}, "faults[0]: exactly one of"),
        ({"faults": [{"error": {}}]}, "code: a text is wanted"),
        ({"faults": [{"error": {"code": "X", "status": 200}}]}, "faults[0].error.status: 400 to 599 is wanted"),
        ({"faults": [{"error": THROTTLING, "probability": 2}]}, "probability: a number from 0 to 1 is wanted"),
        ({"faults": [{"error": THROTTLING, "skip": -1}]}, "skip: a whole number of at least 0 is wanted"),
        ({"faults": [{"error": THROTTLING, "oparation": "X"}]}, "faults[0]: unknown key 'oparation'"),
        ({"faults": [{"withhold_reply": False}]}, "faults[0].withhold_reply: only true is known"),
        ({"faults": [{"latency_seconds": "long"}]}, "latency_seconds: a number from 0 to 600 is wanted"),
        ({"faults": [], "random_seed": "x"}, "random_seed: a whole number"),
    ],
)
def test_malformed_faults_are_refused_and_change_nothing(
    body: Any, message: str, localaws_url: str, set_faults: Any
) -> None:
    set_faults({"latency_seconds": 0, "operation": "NoSuch"})
    status, told = refusal(localaws_url, "POST", "faults", body)
    assert status == 400
    assert message in told
    assert len(admin(localaws_url, "GET", "faults")["faults"]) == 1
