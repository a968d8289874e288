"""Checks a web identity token: its form, its issuer, its signature, its audience, its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from localaws.iam import Iam, OidcProvider
from localaws.identity import ExternalIssuer, Issuer, KeysUnavailableError
from localaws.service import ServiceError


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Whom a good token names; `audience` is the one that the provider accepts."""

    subject: str
    audience: str
    provider: OidcProvider

    def context(self) -> dict[str, list[str]]:
        """The condition keys that a trust policy sees, lower case."""
        url = self.provider.url.lower()
        return {f"{url}:sub": [self.subject], f"{url}:aud": [self.audience]}


class TokenChecker:
    """Knows the issuers' keys as AWS knows them from the issuers' key sets."""

    def __init__(self, issuers: Mapping[str, Issuer | ExternalIssuer], iam: Iam, clock: Callable[[], float]) -> None:
        self._issuers = issuers
        self._iam = iam
        self._clock = clock

    def identify(self, token: str) -> WebIdentity:
        """Whom the token names.

        Raises ServiceError: InvalidIdentityToken for a token that is malformed, not signed by its issuer's key,
        of an issuer that is not registered or for another audience; ExpiredTokenException for an old one.
        """
        claims = _read(token, key=None)
        issuer_url, subject = claims.get("iss"), claims.get("sub")
        if not isinstance(issuer_url, str) or not isinstance(subject, str):
            raise _invalid("Missing a required claim: iss, sub")
        provider = self._iam.oidc_provider(issuer_url)
        if provider is None:
            raise _invalid(f"No OpenIDConnect provider found in your account for {issuer_url}")
        _read(token, key=self._key(issuer_url, token))
        self._check_times(claims)
        return WebIdentity(subject, _audience(claims, provider), provider)

    def _key(self, issuer_url: str, token: str) -> RSAPublicKey:
        """The key that the issuer signed with, if it did."""
        issuer = self._issuers.get(issuer_url)
        try:
            key = issuer.key_of(jwt.get_unverified_header(token).get("kid")) if issuer else None
        except KeysUnavailableError:
            key = None
        if not isinstance(key, RSAPublicKey):
            raise _invalid(
                "Couldn't retrieve verification key from your identity provider, please reference "
                "AssumeRoleWithWebIdentity documentation for requirements"
            )
        return key

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now_seconds = self._clock()
        expiry, start = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expiry, int | float) or not isinstance(start, int | float):
            raise _invalid("Missing a required claim: exp")
        if now_seconds >= expiry:
            message = f"Token expired: current date/time {_moment(now_seconds)} must be before the expiration date/time"
            raise ServiceError("ExpiredTokenException", f"{message} {_moment(expiry)}", 400)
        if now_seconds < start:
            raise _invalid(f"Token is not valid before {_moment(start)}")


def _read(token: str, key: RSAPublicKey | None) -> dict[str, Any]:
    """The claims; the signature is checked when a key is given. Times and audience are checked elsewhere."""
    options: Any = {"verify_signature": key is not None, "verify_exp": False, "verify_nbf": False}
    options |= {"verify_iat": False, "verify_aud": False}
    try:
        return jwt.decode(token, key or "", algorithms=["RS256"], options=options)
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
        raise _invalid("The token's signature is not that of its issuer") from error
    except jwt.InvalidTokenError as error:
        raise _invalid("The ID Token provided is not a valid JWT.") from error


def _audience(claims: Mapping[str, Any], provider: OidcProvider) -> str:
    stated = claims.get("aud")
    for audience in stated if isinstance(stated, list) else [stated]:
        if audience in provider.audiences:
            return str(audience)
    raise _invalid("Incorrect token audience")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidIdentityToken", message, 400)
