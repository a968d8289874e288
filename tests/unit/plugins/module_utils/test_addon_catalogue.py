"""Which version of an add-on is meant."""

from __future__ import annotations

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Release, choose_version
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

RELEASES = [Release(version, version == "v2", "eks", "aws") for version in ("v10", "v3", "v2", "v1")]


@pytest.mark.parametrize(
    ("asked", "current", "chosen"),
    [
        (None, "", "v2"),
        (None, "v1", "v1"),
        ("default", "v1", "v2"),
        ("latest", "v1", "v10"),
        ("v3", "v1", "v3"),
        ("v0", "v0", "v0"),
    ],
)
def test_a_version_is_chosen(asked: str | None, current: str, chosen: str) -> None:
    assert choose_version("coredns", asked, current, RELEASES) == chosen


def test_a_version_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(DeepobsError, match=r"'v4' is none of add-on coredns .* There are: v10, v3, v2, v1"):
        choose_version("coredns", "v4", "v1", RELEASES)


def test_versions_are_ordered_as_numbers() -> None:
    newer, older = (Release(version, False, "", "") for version in ("v1.10.0-eksbuild.2", "v1.9.3-eksbuild.10"))

    assert newer.precedence > older.precedence


@pytest.mark.parametrize("current", ["", "v1.2.3-eksbuild.1", "v1.2.0-eksbuild.1"])
def test_a_version_without_its_build_is_the_newest_build_of_it(current: str) -> None:
    builds = ("v1.2.30-eksbuild.1", "v1.2.3-eksbuild.10", "v1.2.3-eksbuild.9", "v1.2.3-eksbuild.1")
    releases = [Release(version, False, "eks", "aws") for version in builds]

    assert choose_version("coredns", "v1.2.3", current, releases) == "v1.2.3-eksbuild.10"


def test_where_none_is_marked_the_newest_is_the_default() -> None:
    assert choose_version("coredns", None, "", [Release("v2", False, "", ""), Release("v1", False, "", "")]) == "v2"
