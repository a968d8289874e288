"""Claims read out of a token that is never repeated."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_tokens import audience_of, claims_of


def encoded(claims: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def test_the_claims_of_a_token_are_read_whatever_its_padding() -> None:
    for length in range(4):
        claims = {"sub": "a" * length}
        assert claims_of(f"e30.{encoded(claims)}.c2lnbmF0dXJl\n") == claims


@pytest.mark.parametrize("token", ["", "no token", "a.b.c", "a.!!!!.c", f"a.{encoded([1])}.c"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(DeepobsError, match="AWS_WEB_IDENTITY_TOKEN_FILE") as raised:
        claims_of(token)
    assert not token or token not in raised.value.message


def test_a_token_for_several_is_for_the_one_that_is_accepted() -> None:
    assert audience_of({"aud": ["vault", "sts.amazonaws.com"]}, ("sts.amazonaws.com",)) == "sts.amazonaws.com"
    assert audience_of({"aud": "vault"}, ("sts.amazonaws.com",)) == "vault"
    assert audience_of({}, ("sts.amazonaws.com",)) == ""
