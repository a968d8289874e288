"""Configurations are equal by what they mean, and an upgrade is told by the defaults that it changes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import (
    DefaultsChange,
    compare_defaults,
    published_defaults,
    same_value,
    without_defaults,
)
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = {
    "definitions": {
        "limits": {"type": "object", "properties": {"cpu": {"default": "100m"}, "memory": {"type": "string"}}},
        "switch": {"type": "object", "properties": {"enabled": {"type": "boolean", "default": True}}},
    },
    "properties": {
        "agent": {"$ref": "#/definitions/switch"},
        "logs": {"allOf": [{"$ref": "#/definitions/switch"}, {"properties": {"level": {"default": "info"}}}]},
        "resources": {"properties": {"limits": {"$ref": "#/definitions/limits"}}},
        "tolerations": {"type": "array", "items": {"properties": {"key": {}, "operator": {"default": "Exists"}}}},
        "languages": {"type": "array", "default": ["java", "python"]},
        "probe": {"default": {"seconds": 10}, "properties": {"seconds": {"type": "integer"}, "path": {"default": "/"}}},
        "replicas": {"type": "integer"},
        "selector": {"type": "object"},
    },
}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": True}, {"a": 1}, False),
        ([False], [0], False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": None}, {}, False),
        ({1: "a"}, {"1": "a"}, True),
    ],
)
def test_values_are_equal_as_json(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other) == same


@pytest.mark.parametrize(
    ("configuration", "rest"),
    [
        ({"agent": {"enabled": True}}, {}),
        ({"agent": {"enabled": False}}, {"agent": {"enabled": False}}),
        ({"agent": {}}, {}),
        ({"logs": {"enabled": True, "level": "info"}}, {}),
        ({"logs": {"enabled": True, "level": "debug"}}, {"logs": {"level": "debug"}}),
        ({"resources": {"limits": {"cpu": "100m"}}}, {}),
        ({"languages": ["java", "python"]}, {}),
        ({"languages": ["python", "java"]}, {"languages": ["python", "java"]}),
        ({"languages": []}, {"languages": []}),
        ({"tolerations": [{"key": "a", "operator": "Exists"}]}, {"tolerations": [{"key": "a"}]}),
        ({"probe": {"seconds": 10.0, "path": "/"}}, {}),
        ({"probe": {"seconds": 5}}, {"probe": {"seconds": 5}}),
        ({"replicas": 1}, {"replicas": 1}),
        ({"selector": {}}, {"selector": {}}),
        ({"agent": None}, {"agent": None}),
        ({"nobody": {"knows": True}}, {"nobody": {"knows": True}}),
    ],
)
def test_what_only_says_the_defaults_makes_no_difference(configuration: Any, rest: Any) -> None:
    before = copy.deepcopy(configuration)

    assert without_defaults(configuration, SCHEMA) == rest
    assert configuration == before


def test_the_published_defaults_are_told_and_the_others_named() -> None:
    assert published_defaults(SCHEMA) == {
        "agent.enabled": True,
        "languages": ["java", "python"],
        "logs.enabled": True,
        "logs.level": "info",
        "probe.path": "/",
        "probe.seconds": 10,
        "replicas": "unknown",
        "resources.limits.cpu": "100m",
        "resources.limits.memory": "unknown",
        "selector": "unknown",
        "tolerations": "unknown",
        "tolerations[].key": "unknown",
        "tolerations[].operator": "Exists",
    }


def properties(**schemas: Any) -> dict[str, Any]:
    return {"properties": schemas}


BEFORE = properties(a={"default": 1}, b=properties(c={"default": True}, d={}), e={}, gone={"default": 0}, f={})
AFTER = properties(a={"default": 2}, b=properties(c={"default": True}, d={"default": 5}), e={}, new={"default": 3})


def test_an_upgrade_tells_which_defaults_change() -> None:
    assert compare_defaults(BEFORE, AFTER, {}) == DefaultsChange(
        changed={"a": {"before": 1, "after": 2}, "b.d": {"before": "unknown", "after": 5}},
        unknown=["e"],
        added={"new": 3},
        removed=["f", "gone"],
    )


def test_defaults_that_the_configuration_sets_do_not_count() -> None:
    assert compare_defaults(BEFORE, AFTER, {"a": 9, "b": {"d": 0}, "e": None, "f": 1, "gone": 1, "new": 0}) == (
        DefaultsChange()
    )


@pytest.mark.parametrize(
    ("configuration", "paths"),
    [({}, []), ({"t": []}, []), ({"t": [{"key": "a"}, {"op": "b"}]}, ["t[].key", "t[].op"]), ({"t": [{"op": 1}]}, [])],
)
def test_the_defaults_of_items_count_where_one_of_them_leaves_it_open(configuration: Any, paths: list[str]) -> None:
    before, after = (
        properties(t={"items": properties(key={"default": default}, op={"default": default})}) for default in (1, 2)
    )
    wanted = ["t[].key"] if configuration == {"t": [{"op": 1}]} else paths

    assert list(compare_defaults(before, after, configuration).changed) == wanted


@pytest.mark.parametrize(("before", "after"), [({}, AFTER), (AFTER, {}), ({"type": "object"}, AFTER)])
def test_of_a_schema_without_options_everything_is_unknown(before: Any, after: Any) -> None:
    assert compare_defaults(before, after, {"a": 1}) == DefaultsChange(unknown=["b.c", "b.d", "e", "new"])


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    schema = properties(level={"default": 1}, child={"$ref": "#"}, loop={"$ref": "#/properties/loop"})

    assert published_defaults(schema) == {"level": 1, "loop": "unknown"}
    assert without_defaults({"child": {"child": {"level": 1}}}, schema) == {}


def test_a_reference_that_leads_nowhere_tells_nothing() -> None:
    schema = properties(a={"$ref": "https://example.com/a.json"}, b={"$ref": "#/definitions/none"}, c=True)

    assert published_defaults(schema) == {"a": "unknown", "b": "unknown", "c": "unknown"}


def test_references_are_read_as_json_pointers() -> None:
    schema = {"definitions": {"a/b c~": {"default": 1}}, **properties(x={"$ref": "#/definitions/a~1b%20c~0"})}

    assert published_defaults(schema) == {"x": 1}


def test_the_upgrade_that_turns_application_signals_on_is_told() -> None:
    folder = ROOT / "apps" / "localaws" / "eks" / "data" / "schemas"
    old, new = (
        json.loads((folder / f"amazon-cloudwatch-observability-{version}.json").read_text("utf-8"))
        for version in ("v4", "v5")
    )

    change = compare_defaults(old, new, {})

    assert change.changed == {
        "manager.applicationSignals.autoMonitor.monitorAllServices": {"before": False, "after": True}
    }
    assert change.added["applicationSignals.enabled"] is True


SCALARS = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b"]), st.none())
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), SCALARS.map(lambda value: {"default": value}))
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(lambda parts: properties(**parts)),
    max_leaves=8,
)


def configurations(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What can be said under a schema: any part of it, each option with its default or another value."""
    if "properties" not in schema:
        told = [st.just(schema["default"])] * 2 if "default" in schema else []
        return st.one_of(SCALARS, *told)
    parts = {key: configurations(part) for key, part in schema["properties"].items()}
    return st.fixed_dictionaries({}, optional=parts)


def effective(value: Any, schema: dict[str, Any]) -> Any:
    """What is in force: the configuration with every default that it leaves open."""
    if not isinstance(value, dict):
        return value
    parts = {}
    for key, part in schema.get("properties", {}).items():
        if key in value:
            parts[key] = effective(value[key], part)
        elif "properties" in part:
            parts[key] = effective({}, part)
        elif "default" in part:
            parts[key] = part["default"]
    return parts


WITH_CONFIGURATIONS = SCHEMAS.filter(lambda schema: "properties" in schema).flatmap(
    lambda schema: st.tuples(st.just(schema), configurations(schema), configurations(schema))
)


@given(WITH_CONFIGURATIONS)
def test_configurations_are_equal_exactly_where_the_same_is_in_force(case: tuple[Any, Any, Any]) -> None:
    schema, one, other = case

    equal = same_value(without_defaults(one, schema), without_defaults(other, schema))

    assert equal == same_value(effective(one, schema), effective(other, schema))


@given(WITH_CONFIGURATIONS)
def test_what_is_left_means_the_same_and_no_less_can_be_left(case: tuple[Any, Any, Any]) -> None:
    schema, configuration, _other = case

    rest = without_defaults(configuration, schema)

    assert same_value(effective(rest, schema), effective(configuration, schema))
    assert without_defaults(rest, schema) == rest
    assert without_defaults(effective(configuration, schema), schema) == rest


@given(SCHEMAS, SCHEMAS, st.data())
def test_an_upgrade_tells_of_each_open_option_once(before: Any, after: Any, data: st.DataObject) -> None:
    configuration = data.draw(configurations(after if "properties" in after else properties(a={})))

    change = compare_defaults(before, after, configuration)
    back = compare_defaults(after, before, configuration)

    told = [*change.changed, *change.unknown, *change.added, *change.removed]
    assert len(told) == len(set(told))
    assert set(told) <= {*published_defaults(before), *published_defaults(after)}
    assert (list(back.changed), list(back.added), back.removed) == (
        list(change.changed),
        change.removed,
        list(change.added),
    )
