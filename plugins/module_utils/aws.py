# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One way to call AWS: retried when it is busy, absent things as None, every other failure with a name and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

# AnsibleAWSModule reports the missing library before anything here runs.
with suppress(ImportError):
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.deepobs.eks.plugins.module_utils.remedies import remedy_for

# Beside amazon.aws's own list: what EKS, IAM, X-Ray and CloudWatch say when they are busy or not ready yet.
_BUSY = [
    "ThrottlingException",
    "ThrottledException",
    "ServerException",
    "ServiceFailure",
    "ServiceUnavailableException",
    "InternalServerException",
    "InternalServiceFault",
    "InternalServiceException",
    "InternalServerError",
    "ResourcePropagationDelayException",
]


class DeepobsError(AnsibleAWSError):
    """What stops a module: a message for the user, naming the option and the remedy, and the cause if AWS gave one.

    `result` is what the module returns besides: what was done nevertheless.
    """

    def __init__(
        self, message: str, exception: BaseException | None = None, result: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message=message, exception=exception)
        self.message = message
        self.exception = exception
        self.result = result or {}


def error_code(error: BaseException | None) -> str:
    """AWS's code of an error, or of the cause of a DeepobsError; empty where there is none."""
    cause = error.exception if isinstance(error, DeepobsError) else error
    response = getattr(cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def connect(module: Any, service: str) -> Any:
    """A boto3 client of the module's account whose calls are retried when AWS is busy."""
    return module.client(
        service,
        retry_decorator=AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=20, catch_extra_error_codes=_BUSY),
    )


def call(
    method: Callable[..., dict[str, Any]], purpose: str, missing_code: str = "", **parameters: Any
) -> dict[str, Any]:
    """Calls AWS; an answer with the code `missing_code` becomes an empty dict.

    `purpose` ends the sentence "Failed to ..." of the DeepobsError that everything else becomes.
    """
    try:
        return method(aws_retry=True, **parameters)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        if missing_code and error_code(error) == missing_code:
            return {}
        raise DeepobsError(f"Failed to {purpose}", error) from error


def run_module(module: Any, work: Callable[[], dict[str, Any]]) -> None:
    """Ends the module with what `work` returns; with one clear message where it raises DeepobsError or ValueError."""
    try:
        result = work()
    except DeepobsError as error:
        module.fail_json(**failure(error))
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def failure(error: DeepobsError) -> dict[str, Any]:
    """What a failed module returns: what was being done, AWS's API, code and request id, and what to do."""
    cause = error.exception
    if cause is None:
        return {**error.result, "msg": error.message}
    response = getattr(cause, "response", None) or {}
    request_id = response.get("ResponseMetadata", {}).get("RequestId", "")
    said = str(cause).rstrip(".") + (f" (request id {request_id})" if request_id else "")
    return {
        **error.result,
        "msg": f"{error.message}: {said}. {remedy_for(cause)}".rstrip(),
        "error": {"code": error_code(error), "message": response.get("Error", {}).get("Message", str(cause))},
        "request_id": request_id,
    }
