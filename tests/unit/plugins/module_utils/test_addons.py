"""What EKS says of an add-on, in Ansible's shape."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addons import parse_configuration
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", {}),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("a:\n  b: 1\n", {"a": {"b": 1}}),
        ("# nothing\n", {}),
        ("a: [", {}),
    ],
)
def test_stored_configuration_is_read_whatever_it_is_written_in(text: str, parsed: dict[str, Any]) -> None:
    assert parse_configuration(text) == parsed


def test_without_the_yaml_reader_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(DeepobsError, match="PyYAML"):
        parse_configuration("a: 1\n")
