"""ARNs: whose account they name, and names made for that account."""

from __future__ import annotations

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.arns import Account, account_of, resource_name


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        ("arn:aws:eks:eu-west-1:123456789012:cluster/shop", Account("aws", "123456789012")),
        ("arn:aws-cn:iam::123456789012:role/team/shop", Account("aws-cn", "123456789012")),
        ("arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:a:b", Account("aws-us-gov", "123456789012")),
    ],
)
def test_an_arn_names_its_account(arn: str, account: Account) -> None:
    assert account_of(arn) == account


def test_names_are_made_in_the_accounts_partition() -> None:
    account = Account("aws-cn", "123456789012")

    assert account.iam("role/team/shop") == "arn:aws-cn:iam::123456789012:role/team/shop"
    assert account.cluster("cn-north-1", "shop") == "arn:aws-cn:eks:cn-north-1:123456789012:cluster/shop"


@pytest.mark.parametrize("role", ["shop", "arn:aws:iam::123456789012:role/shop", "arn:aws:iam::1:role/team/a/shop"])
def test_a_name_has_no_path(role: str) -> None:
    assert resource_name(role) == "shop"
