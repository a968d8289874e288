"""Each region lies in its partition."""

from __future__ import annotations

import pytest
from localaws.regions import dns_suffix_of, is_region, partition_of


@pytest.mark.parametrize(
    ("region", "partition", "dns_suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("xx-nowhere-9", "aws", "amazonaws.com"),
    ],
)
def test_region_has_a_partition_and_a_dns_suffix(region: str, partition: str, dns_suffix: str) -> None:
    assert (partition_of(region), dns_suffix_of(region)) == (partition, dns_suffix)


@pytest.mark.parametrize(("name", "is_one"), [("eu-west-1", True), ("cn-north-1", True), ("xx-nowhere-9", False)])
def test_region_is_known_or_not(name: str, is_one: bool) -> None:
    assert is_region(name) is is_one
