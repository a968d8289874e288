"""Every trouble that EKS can name of an add-on has a remedy, and no remedy is for what EKS never names."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_remedies import REMEDIES, trouble_remedy

MODEL: Any = botocore.session.get_session().get_service_model("eks")


def test_the_codes_are_those_of_eks() -> None:
    assert set(REMEDIES) == {*MODEL.shape_for("AddonIssueCode").enum, *MODEL.shape_for("ErrorCode").enum}


@pytest.mark.parametrize("code", REMEDIES)
def test_a_remedy_says_what_to_do(code: str) -> None:
    assert len(trouble_remedy(code)) > 20


def test_of_a_code_that_is_new_it_is_said_where_to_look() -> None:
    assert "describe-addon" in trouble_remedy("SomethingNew")
