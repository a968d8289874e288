"""X-Ray's API through boto3, and what its errors mean for a daemon that has segments to keep."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

AWS_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, OSError)
"""What a call may raise; OSError stands for a web identity token that cannot be read."""
_WRONG_REQUEST_CODES: Final = frozenset(
    {"InvalidRequestException", "ValidationException", "SerializationException", "RequestEntityTooLarge"}
)
_CREDENTIAL_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class XRayApi:
    """Calls X-Ray with credentials of boto3's chain, which is walked anew as long as it gives none."""

    def __init__(self, make_client: Callable[[], Any]) -> None:
        """Makes the first client. Raises ValueError or BotoCoreError when the endpoint or profile is unusable."""
        self._make_client = make_client
        self._client: Any = make_client()
        self._lock = threading.Lock()

    def call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Runs a boto3 client's method, such as get_sampling_rules. Raises one of AWS_ERRORS."""
        try:
            answer: dict[str, Any] = getattr(self._current_client(), method)(**parameters)
        except NoCredentialsError:
            self._client = None
            raise
        answer.pop("ResponseMetadata", None)
        return answer

    def _current_client(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._make_client()
            return self._client


def xray_client(region: str, connections: int) -> Any:
    """A boto3 client that tries once: the uploaders retry, and keep their segments meanwhile."""
    config = Config(
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.session.Session().client("xray", region_name=region, config=config)


def is_wrong_request(error: Exception) -> bool:
    """Whether X-Ray will never take this batch, however often it is sent."""
    if not isinstance(error, ClientError) or error.operation_name != "PutTraceSegments":
        return False
    return error.response["Error"]["Code"] in _WRONG_REQUEST_CODES


def explain(error: Exception) -> str:
    """One line for the log: what is wrong, with whose credentials, and what is to be done."""
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _CREDENTIAL_CODES:
        return f"AWS denies {error.operation_name} to {_identity()}: {error}; check its trust and its permissions"
    if isinstance(error, NoCredentialsError):
        return "there are no AWS credentials: set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or another way of boto3"
    if isinstance(error, OSError):
        return f"the web identity token of {_identity()} cannot be read: {error}"
    return f"X-Ray cannot be reached with {_identity()}: {error}"


def _identity() -> str:
    role = os.environ.get("AWS_ROLE_ARN")
    return f"role {role}" if role else "the credentials of boto3's chain"
