# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""X-Ray sampling rules: their shape, what is wrong with one, and what to do to get from some to others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

Rule = dict[str, Any]

# Ansible's name of each field and X-Ray's (API_SamplingRule).
FIELDS = {
    "name": "RuleName",
    "priority": "Priority",
    "fixed_rate": "FixedRate",
    "reservoir_size": "ReservoirSize",
    "service_name": "ServiceName",
    "service_type": "ServiceType",
    "host": "Host",
    "http_method": "HTTPMethod",
    "url_path": "URLPath",
    "resource_arn": "ResourceARN",
    "attributes": "Attributes",
}
_NEEDED_WHEN_PRESENT = ("priority", "fixed_rate")
# X-Ray lets only these of its built-in rule be changed (X-Ray developer guide, "Configuring sampling rules").
DEFAULT_RULE = "Default"
_OF_DEFAULT_RULE = ("fixed_rate", "reservoir_size")
# Bounds of API_SamplingRule.
_MAX_NAME_CHARACTERS = 32
_PRIORITIES = range(1, 10_000)


@dataclass(frozen=True)
class RulesPlan:
    """Which rules to create, update and delete, and the named rules before and after."""

    before: list[Rule]
    after: list[Rule]
    create: list[Rule] = field(default_factory=list)
    update: list[Rule] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.create or self.update or self.delete)


def from_aws(record: Mapping[str, Any]) -> Rule:
    """A rule of GetSamplingRules in Ansible's shape."""
    rule = record["SamplingRule"]
    return {name: rule.get(theirs, {} if name == "attributes" else None) for name, theirs in FIELDS.items()}


def to_aws(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule in X-Ray's shape; of the built-in one only what may be changed."""
    names: Iterable[str] = ("name", *_OF_DEFAULT_RULE) if rule["name"] == DEFAULT_RULE else FIELDS
    return {FIELDS[name]: rule[name] for name in names}


def check_rules(rules: Sequence[Rule], state: str) -> None:
    """Raises DeepobsError naming the first rule and option that X-Ray would refuse."""
    names = [rule["name"] for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise DeepobsError(f"rules: {name!r} is there {names.count(name)} times; give each name once.")
    for rule in rules:
        complaint = _complaint(rule) if state == "present" else _complaint_about_absence(rule)
        if complaint:
            raise DeepobsError(f"rules: {rule['name']!r}: {complaint}")


def _complaint(rule: Rule) -> str:
    needed = _OF_DEFAULT_RULE[:1] if rule["name"] == DEFAULT_RULE else _NEEDED_WHEN_PRESENT
    for name in needed:
        if rule[name] is None:
            return f"{name} is required when state is present."
    if not 1 <= len(rule["name"]) <= _MAX_NAME_CHARACTERS:
        return f"name must have 1 to {_MAX_NAME_CHARACTERS} characters."
    if rule["priority"] is not None and rule["priority"] not in _PRIORITIES and rule["name"] != DEFAULT_RULE:
        return f"priority must be from {_PRIORITIES.start} to {_PRIORITIES.stop - 1}, not {rule['priority']}."
    if not 0 <= rule["fixed_rate"] <= 1:
        return f"fixed_rate is a share from 0 to 1, not {rule['fixed_rate']}; write 5 percent as 0.05."
    if rule["reservoir_size"] < 0:
        return f"reservoir_size must not be negative, as {rule['reservoir_size']} is."
    return ""


def _complaint_about_absence(rule: Rule) -> str:
    return (
        "X-Ray's built-in rule cannot be deleted; set its fixed_rate instead." if rule["name"] == DEFAULT_RULE else ""
    )


def plan_rules(current: Sequence[Rule], desired: Sequence[Rule], state: str) -> RulesPlan:
    """What makes the named rules present as given, or absent; rules not named are left alone."""
    existing = {rule["name"]: rule for rule in current}
    named = [existing[rule["name"]] for rule in desired if rule["name"] in existing]
    if state == "absent":
        return RulesPlan(before=named, after=[], delete=[rule["name"] for rule in named])
    wanted = [_wanted(existing.get(rule["name"]), rule) for rule in desired]
    return RulesPlan(
        before=named,
        after=wanted,
        create=[rule for rule in wanted if rule["name"] not in existing],
        update=[rule for rule in wanted if rule["name"] in existing and rule != existing[rule["name"]]],
    )


def _wanted(existing: Rule | None, desired: Rule) -> Rule:
    if existing is not None and desired["name"] == DEFAULT_RULE:
        return {**existing, **{name: desired[name] for name in _OF_DEFAULT_RULE}}
    return dict(desired)
