"""A configuration is held against the published schema, and every complaint names its place."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import addon_schemas
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Interface
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

SCHEMA = {
    "$schema": "http://json-schema.org/draft-06/schema#",
    "type": "object",
    "additionalProperties": False,
    "properties": {"agent": {"type": "object", "properties": {"replicas": {"type": "integer", "minimum": 1}}}},
}
INTERFACE = Interface(SCHEMA, ("cloudwatch-agent",))


def test_what_fits_passes() -> None:
    addon_schemas.check_configuration({"agent": {"replicas": 2}}, INTERFACE, "a v1")


def test_every_complaint_names_its_place() -> None:
    with pytest.raises(DeepobsError) as raised:
        addon_schemas.check_configuration({"agent": {"replicas": 0}, "agnet": {}}, INTERFACE, "a v1")

    assert "configuration.agent.replicas: 0 is less than the minimum of 1" in raised.value.message
    assert "('agnet' was unexpected)" in raised.value.message


def test_of_a_present_configuration_it_is_said_that_it_would_be_kept() -> None:
    with pytest.raises(DeepobsError, match=r"present configuration, which would be kept,.*Give configuration as this"):
        addon_schemas.check_configuration({"agnet": {}}, INTERFACE, "a v2", kept=True)


def test_of_many_complaints_the_rest_is_counted() -> None:
    interface = Interface({"additionalProperties": {"type": "integer"}}, ())

    with pytest.raises(DeepobsError, match="; and 2 more"):
        addon_schemas.check_configuration(dict.fromkeys("abcdefg", "text"), interface, "a v1")


def test_what_the_schema_leaves_to_other_documents_is_left_to_eks() -> None:
    schema = {"properties": {"b": {"$ref": "https://example.com/b.json"}, "a": {"type": "string"}}}

    addon_schemas.check_configuration({"b": 1, "a": "text"}, Interface(schema, ()), "a v1")


def test_without_the_schema_checker_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema.validators", None)

    with pytest.raises(DeepobsError, match="jsonschema"):
        addon_schemas.check_configuration({"agent": {}}, INTERFACE, "a v1")
