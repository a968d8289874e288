# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading the claims of a service account's token, and holding them against what was meant. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import as_list


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token (RFC 7519); its signature, which only AWS can judge, is not looked at.

    Raises DeepobsError, which does not repeat the token, where it is none.
    """
    _header, _dot, rest = token.strip().partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError as error:
        raise DeepobsError("token is not a JSON Web Token: give the content of AWS_WEB_IDENTITY_TOKEN_FILE.") from error
    if not isinstance(claims, dict):
        raise DeepobsError("token holds no claims: give the content of AWS_WEB_IDENTITY_TOKEN_FILE.")
    return claims


def audience_of(claims: Mapping[str, Any], accepted: tuple[str, ...]) -> str:
    """The audience that IAM takes a token to be for: the first one that the provider accepts, else the first."""
    named = [str(audience) for audience in as_list(claims.get("aud", []))]
    return next((audience for audience in named if audience in accepted), named[0] if named else "")
