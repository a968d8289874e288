"""Calling AWS: what is absent is empty, what is busy is retried, all else is one message."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import (
    DeepobsError,
    call,
    connect,
    error_code,
    failure,
    run_module,
)
from botocore.exceptions import ClientError, EndpointConnectionError


class StubModule:
    """A module that notes how it ended; `client` hands out what decorates a method."""

    def __init__(self) -> None:
        self.ended: dict[str, Any] = {}

    def exit_json(self, **result: Any) -> None:
        self.ended = result
        raise SystemExit(0)

    def fail_json(self, **result: Any) -> None:
        self.ended = {"failed": True, **result}
        raise SystemExit(1)

    def client(self, service: str, retry_decorator: Any) -> Any:
        return service, retry_decorator


def refusal(code: str, message: str = "No.", request_id: str = "4711") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": request_id}}
    return ClientError(answer, "DescribeCluster")


def raising(error: Exception) -> Any:
    def method(**_parameters: Any) -> dict[str, Any]:
        raise error

    return method


def ended(work: Any) -> dict[str, Any]:
    module = StubModule()
    with pytest.raises(SystemExit):
        run_module(module, work)
    return module.ended


def test_call_hands_parameters_on_and_asks_for_retries() -> None:
    assert call(lambda **parameters: parameters, "do it", name="shop") == {"aws_retry": True, "name": "shop"}


def test_call_answers_an_absent_thing_with_nothing() -> None:
    assert call(raising(refusal("NoSuchEntity")), "read it", missing_code="NoSuchEntity") == {}


@pytest.mark.parametrize("error", [refusal("NoSuchEntity"), EndpointConnectionError(endpoint_url="http://gone")])
def test_call_says_what_was_being_done(error: Exception) -> None:
    with pytest.raises(DeepobsError, match="Failed to read it") as caught:
        call(raising(error), "read it", missing_code="ResourceNotFoundException")
    assert caught.value.exception is error


def test_error_code_is_that_of_the_cause() -> None:
    assert error_code(DeepobsError("Failed", refusal("Throttling"))) == "Throttling"
    assert error_code(DeepobsError("Failed")) == ""
    assert error_code(None) == ""


@pytest.mark.parametrize(
    "code", ["ServerException", "ThrottledException", "InternalFailure", "ResourcePropagationDelayException"]
)
def test_connect_retries_what_says_that_it_is_busy(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    answers: list[Any] = [refusal(code), refusal(code), {"cluster": {}}]

    def describe(**_parameters: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    _service, retry = connect(StubModule(), "eks")
    assert retry(describe)() == {"cluster": {}}


def test_connect_does_not_retry_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: pytest.fail("a refusal is final"))
    _service, retry = connect(StubModule(), "eks")
    with pytest.raises(ClientError):
        retry(raising(refusal("AccessDeniedException")))()


def test_run_module_ends_with_what_work_returns() -> None:
    assert ended(lambda: {"changed": True}) == {"changed": True}


def test_run_module_fails_with_api_code_request_id_and_remedy() -> None:
    failed = ended(lambda: call(raising(refusal("AccessDeniedException")), "look at the cluster"))

    assert failed["failed"]
    assert failed["msg"] == (
        "Failed to look at the cluster: An error occurred (AccessDeniedException) when calling the DescribeCluster"
        " operation: No (request id 4711). Allow the caller this action, in its IAM policies, permissions boundary and"
        " the organisation's policies; the module's documentation lists the actions that it needs."
    )
    assert (failed["error"], failed["request_id"]) == ({"code": "AccessDeniedException", "message": "No."}, "4711")


def test_run_module_fails_with_the_message_of_a_wrong_option() -> None:
    def work() -> dict[str, Any]:
        raise ValueError("limit is -1; give a number of at least 0")

    assert ended(work) == {"failed": True, "msg": "limit is -1; give a number of at least 0"}


def test_failure_without_an_answer_of_aws_has_no_request_id() -> None:
    error = DeepobsError("Failed to read it", EndpointConnectionError(endpoint_url="http://gone"))

    assert failure(error)["msg"].endswith(
        'URL: "http://gone". Look at region, endpoint_url and the way to the network.'
    )
    assert failure(error)["request_id"] == ""


def test_failure_of_ones_own_is_its_message() -> None:
    assert failure(DeepobsError("There is no cluster.")) == {"msg": "There is no cluster."}
