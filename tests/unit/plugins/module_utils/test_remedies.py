"""Remedies: every error a module can meet has one, and the right one."""

from __future__ import annotations

import botocore.exceptions
import botocore.session
import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.remedies import remedy_for
from botocore.exceptions import ClientError

REMEDIES = {
    "AccessDenied": "Allow the caller",
    "AccessDeniedException": "Allow the caller",
    "ExpiredTokenException": "renew them",
    "InvalidClientTokenId": "valid in this account",
    "SignatureDoesNotMatch": "clock",
    "Throttling": "every retry",
    "ThrottlingException": "every retry",
    "TooManyRequestsException": "every retry",
    "LimitExceeded": "quota raised",
    "ResourceLimitExceededException": "quota raised",
    "RuleLimitExceededException": "state exact",
    "ResourceInUseException": "Somebody else",
    "DeleteConflict": "Take away first",
    "ServerException": "trouble of its own",
    "InternalFailure": "trouble of its own",
    "503": "trouble of its own",
    "NoSuchEntity": "Mend the name",
    "ResourceNotFoundException": "Mend the name",
    "MalformedPolicyDocument": "principals and actions",
}
# Errors that tell by their message what is wrong with a parameter: the modules name the option themselves.
TOLD_BY_THEIR_MESSAGE = {
    *("InvalidParameterException", "InvalidRequestException", "InvalidParameterValueException", "BadRequestException"),
    *("ClientException", "UnsupportedAvailabilityZoneException", "InvalidStateException"),
    # Of X-Ray's resource policies, which no module writes.
    *("InvalidPolicyRevisionIdException", "LockoutPreventionException"),
}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Operation")


@pytest.mark.parametrize(("code", "part"), REMEDIES.items())
def test_remedy_fits_the_code(code: str, part: str) -> None:
    assert part in remedy_for(refusal(code))


@pytest.mark.parametrize("service", ["eks", "xray"])
def test_every_modelled_error_of_a_service_has_a_remedy(service: str) -> None:
    shapes = botocore.session.get_session().get_service_model(service).error_shapes
    codes = {shape.name for shape in shapes} - TOLD_BY_THEIR_MESSAGE
    assert {code for code in codes if not remedy_for(refusal(code))} == set()


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (botocore.exceptions.NoCredentialsError(), "Give credentials"),
        (botocore.exceptions.NoRegionError(), "Set region"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="http://slow"), "what was done is kept"),
    ],
)
def test_remedy_fits_what_botocore_says_itself(error: Exception, part: str) -> None:
    assert part in remedy_for(error)


def test_no_remedy_is_made_up() -> None:
    assert remedy_for(refusal("TeapotException")) == ""
    assert remedy_for(RuntimeError("?")) == ""
