# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to do about an error of AWS, by its code. Pure."""

from __future__ import annotations

import re

# Codes of the AWS General Reference, "Common errors", and of the services' own API references.
_BY_CODE = (
    (
        r"AccessDenied(Exception)?|AuthorizationError|UnauthorizedOperation|NotAuthorized",
        "Allow the caller this action, in its IAM policies, permissions boundary and the organisation's policies; the"
        " module's documentation lists the actions that it needs.",
    ),
    (
        r"ExpiredToken(Exception)?|RequestExpired",
        "The credentials have expired: renew them and run again.",
    ),
    (
        r"InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignatureException"
        r"|MissingAuthenticationToken(Exception)?|IncompleteSignature(Exception)?|AuthFailure",
        "Give credentials that are valid in this account and partition, and look whether the machine's clock is right.",
    ),
    (
        r".*Throttl.*|TooManyRequests(Exception)?|RequestLimitExceeded|LimitExceededException|SlowDown",
        "AWS went on refusing after every retry: run again later, lower the rate of what else calls this API, or have"
        " its quota raised.",
    ),
    (
        r"RuleLimitExceeded(Exception)?",
        "The region has as many rules as X-Ray lets it have: delete some with state absent, or let state exact delete"
        " all that are not named.",
    ),
    (
        r"LimitExceeded|.*QuotaExceeded.*|(Resource|Rule|Policy)\w*LimitExceeded.*|TooManyTags.*",
        "Have this quota raised, or use less of it.",
    ),
    (r"DeleteConflict(Exception)?", "Take away first what still uses it, as the message tells, and run again."),
    (
        r"ResourceInUse(Exception)?|ConcurrentModification(Exception)?|.*Conflict.*",
        "Somebody else is changing it: wait until that is over and run again.",
    ),
    (
        r"Internal.*|ServerException|Service(Unavailable|Failure).*|Unavailable|5\d\d",
        "AWS has trouble of its own: look at AWS Health, then run again; what was done is kept.",
    ),
    (r"ResourcePropagationDelay.*", "AWS still spreads what was just created: run again in a minute."),
    (r"NoSuchEntity|.*NotFound.*", "Mend the name that the message tells, or create what is missing."),
    (r"MalformedPolicyDocument.*", "IAM does not take this policy: look at the principals and actions it names."),
)

# botocore's own exceptions, where no answer came.
_BY_EXCEPTION = {
    "NoCredentialsError": "Give credentials: a profile, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role.",
    "PartialCredentialsError": "Give both access_key and secret_key.",
    "NoRegionError": "Set region, or AWS_REGION.",
    "EndpointConnectionError": "Look at region, endpoint_url and the way to the network.",
    "ConnectTimeoutError": "Look at region, endpoint_url and the way to the network.",
    "ReadTimeoutError": "AWS took the call and did not answer in time: run again, what was done is kept.",
    "ConnectionClosedError": "The connection broke while AWS was working: run again, what was done is kept.",
    "SSLError": "Look at validate_certs, aws_ca_bundle and proxies on the way.",
    "ParamValidationError": "Mend the option that the message tells.",
    "ResponseParserError": "What answers at endpoint_url is not AWS: look at endpoint_url and proxies on the way.",
}


def remedy_for(error: BaseException) -> str:
    """What to do about an error of botocore; empty where nothing is known."""
    response = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    if not code:
        return _BY_EXCEPTION.get(type(error).__name__, "")
    return next((remedy for pattern, remedy in _BY_CODE if re.fullmatch(pattern, code)), "")
