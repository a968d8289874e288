"""Regions and the partitions they lie in: AWS in general, China, the US government's."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.exceptions import UnknownRegionError
from botocore.session import get_session


@cache
def partition_of(region: str) -> str:
    """The second member of ARNs in this region: aws, aws-cn, aws-us-gov; aws for a region unheard of."""
    try:
        return str(_session().get_partition_for_region(region))
    except UnknownRegionError:
        return "aws"


@cache
def _known_regions() -> frozenset[str]:
    partitions = _session().get_data("endpoints")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])


def is_region(name: str) -> bool:
    """Whether AWS has a region of this name."""
    return name in _known_regions()


def dns_suffix_of(region: str) -> str:
    """What the host names of AWS' services in this region end in, such as amazonaws.com."""
    partitions = _session().get_data("endpoints")["partitions"]
    return next(str(entry["dnsSuffix"]) for entry in partitions if entry["partition"] == partition_of(region))


@cache
def _session() -> Any:
    return get_session()
