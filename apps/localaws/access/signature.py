"""Verifies a Signature Version 4 in the Authorization header.

The rules are those of the IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from botocore.utils import normalize_url_path

from localaws.http import HttpRequest
from localaws.service import ServiceError

# A request must come within five minutes of the time it was signed at.
_SKEW_SECONDS = 300
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/(?P<scope>(?P<date>\d{8})/(?P<region>[^/,\s]+)/"
    r"(?P<service>[^/,\s]+)/aws4_request), *SignedHeaders=(?P<headers>[^,\s]+), *Signature=(?P<signature>[0-9a-f]+)"
)


@dataclass(frozen=True, slots=True)
class _Signature:
    scope: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def check_signature(http: HttpRequest, secret_access_key: str, now_seconds: float) -> None:
    """Raises ServiceError: IncompleteSignature for a header that cannot be read, InvalidSignatureException for a
    signature that another secret made, that does not fit the request, or that was made at another time."""
    signature, moment = _signature(http), http.headers.get("x-amz-date", "")
    _check_time(moment, signature, now_seconds)
    canonical = "\n".join(
        (
            http.method,
            quote(normalize_url_path(http.path), safe="/~"),
            _canonical_query(http.query),
            *(f"{name}:{_header(http, name)}" for name in signature.headers),
            "",
            ";".join(signature.headers),
            hashlib.sha256(http.sent_body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = "\n".join(("AWS4-HMAC-SHA256", moment, signature.scope, digest))
    key = _signing_key(secret_access_key, signature.date, signature.region, signature.service)
    if not hmac.compare_digest(hmac.digest(key, signed.encode(), "sha256").hex(), signature.signature):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def _signature(http: HttpRequest) -> _Signature:
    found = _AUTHORIZATION.fullmatch(http.headers.get("authorization", "").strip())
    headers = tuple(found["headers"].split(";")) if found else ()
    if not found or "host" not in headers or "x-amz-date" not in headers:
        message = (
            "Authorization header requires 'Credential', 'SignedHeaders' with host and x-amz-date, and 'Signature'."
        )
        raise ServiceError("IncompleteSignature", message)
    return _Signature(found["scope"], found["date"], found["region"], found["service"], headers, found["signature"])


def _check_time(moment: str, signature: _Signature, now_seconds: float) -> None:
    try:
        signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise ServiceError("IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from error
    if not moment.startswith(signature.date):
        date = moment[:8]
        raise _invalid(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{signature.date}' != '{date}', from '{moment}'."
        )
    now = _text(now_seconds)
    earliest, latest = _text(now_seconds - _SKEW_SECONDS), _text(now_seconds + _SKEW_SECONDS)
    if signed_at < now_seconds - _SKEW_SECONDS:
        raise _invalid(f"Signature expired: {moment} is now earlier than {earliest} ({now} - 5 min.)")
    if signed_at > now_seconds + _SKEW_SECONDS:
        raise _invalid(f"Signature not yet current: {moment} is still later than {latest} ({now} + 5 min.)")


def _canonical_query(query: str) -> str:
    pairs = [item.partition("=")[::2] for item in query.split("&") if item]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _header(http: HttpRequest, name: str) -> str:
    return " ".join(http.headers.get(name, "").split())


@lru_cache(maxsize=256)
def _signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message, 403)
