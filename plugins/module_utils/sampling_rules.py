# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""X-Ray sampling rules: their shape, what is wrong with one, and what to do to get from some to others. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
_BOOST = "sampling_rate_boost"
_BOOST_FIELDS = {"max_rate": "MaxRate", "cooldown_window_minutes": "CooldownWindowMinutes"}
_NEEDED_WHEN_PRESENT = ("priority", "fixed_rate")
# X-Ray lets only these of its built-in rule be changed (X-Ray developer guide, "Configuring sampling rules").
DEFAULT_RULE = "Default"
_OF_DEFAULT_RULE = ("fixed_rate", "reservoir_size")
# Bounds of API_SamplingRule.
_MAX_NAME_CHARACTERS = 32
_PRIORITIES = range(1, 10_000)
_MAX_CHARACTERS = {
    "service_name": 64,
    "service_type": 64,
    "host": 64,
    "http_method": 10,
    "url_path": 128,
    "resource_arn": 500,
}
_MAX_ATTRIBUTES = 5
_MAX_ATTRIBUTE_CHARACTERS = 32


@dataclass(frozen=True)
class RulesPlan:
    """Which rules to create, update and delete, and the rules concerned before and after."""

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
    named = {name: rule.get(theirs, {} if name == "attributes" else None) for name, theirs in FIELDS.items()}
    boost = rule.get("SamplingRateBoost")
    return {**named, _BOOST: boost and {name: boost.get(theirs) for name, theirs in _BOOST_FIELDS.items()}}


def to_aws(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule in X-Ray's shape; of the built-in one only what may be changed."""
    if rule["name"] == DEFAULT_RULE:
        return {FIELDS[name]: rule[name] for name in ("name", *_OF_DEFAULT_RULE)}
    boost = rule[_BOOST]
    return {
        **{theirs: rule[name] for name, theirs in FIELDS.items()},
        **({"SamplingRateBoost": {_BOOST_FIELDS[name]: value for name, value in boost.items()}} if boost else {}),
    }


def check_rules(rules: Sequence[Rule], state: str) -> None:
    """Raises DeepobsError naming the first rule and option that X-Ray would refuse."""
    names = [rule["name"] for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise DeepobsError(f"rules: {name!r} is there {names.count(name)} times; give each name once.")
    for rule in rules:
        complaint = _complaint_about_absence(rule) if state == "absent" else next(_complaints(rule), "")
        if complaint:
            raise DeepobsError(f"rules: {rule['name']!r}: {complaint}")


def _complaints(rule: Rule) -> Iterator[str]:
    """What X-Ray would refuse of a rule, the most basic first."""
    is_default = rule["name"] == DEFAULT_RULE
    for name in _OF_DEFAULT_RULE[:1] if is_default else _NEEDED_WHEN_PRESENT:
        if rule[name] is None:
            yield f"{name} is required unless state is absent."
    if not 1 <= len(rule["name"]) <= _MAX_NAME_CHARACTERS:
        yield f"name must have 1 to {_MAX_NAME_CHARACTERS} characters."
    if rule["priority"] is not None and rule["priority"] not in _PRIORITIES and not is_default:
        yield f"priority must be from {_PRIORITIES.start} to {_PRIORITIES.stop - 1}, not {rule['priority']}."
    if not 0 <= rule["fixed_rate"] <= 1:
        yield f"fixed_rate is a share from 0 to 1, not {rule['fixed_rate']}; write 5 percent as 0.05."
    if rule["reservoir_size"] < 0:
        yield f"reservoir_size must not be negative, as {rule['reservoir_size']} is."
    for name, most in _MAX_CHARACTERS.items():
        if len(rule[name]) > most:
            yield f"{name} must have at most {most} characters, not {len(rule[name])}."
    yield from _complaints_about_attributes(rule["attributes"])
    yield from _complaints_about_boost(rule[_BOOST], is_default)


def _complaints_about_attributes(attributes: Mapping[str, Any]) -> Iterator[str]:
    if len(attributes) > _MAX_ATTRIBUTES:
        yield f"attributes must be at most {_MAX_ATTRIBUTES}, not {len(attributes)}."
    for text in (str(part) for item in attributes.items() for part in item):
        if not 1 <= len(text) <= _MAX_ATTRIBUTE_CHARACTERS:
            yield f"attributes: {text!r} must have 1 to {_MAX_ATTRIBUTE_CHARACTERS} characters."


def _complaints_about_boost(boost: Mapping[str, Any] | None, is_default: bool) -> Iterator[str]:
    if boost is None:
        return
    if is_default:
        yield f"{_BOOST} cannot be set for X-Ray's built-in rule."
    if not 0 <= boost["max_rate"] <= 1:
        yield f"{_BOOST}.max_rate is a share from 0 to 1, not {boost['max_rate']}."
    if boost["cooldown_window_minutes"] < 1:
        yield f"{_BOOST}.cooldown_window_minutes must be at least 1, not {boost['cooldown_window_minutes']}."


def _complaint_about_absence(rule: Rule) -> str:
    return (
        "X-Ray's built-in rule cannot be deleted; set its fixed_rate instead." if rule["name"] == DEFAULT_RULE else ""
    )


def plan_rules(current: Sequence[Rule], desired: Sequence[Rule], state: str) -> RulesPlan:
    """What makes the named rules present as given, or absent; the others go only where the state is exact.

    X-Ray's built-in rule never goes.
    """
    existing = {rule["name"]: rule for rule in current}
    names = {rule["name"] for rule in desired}
    gone = names if state == "absent" else existing.keys() - names - {DEFAULT_RULE} if state == "exact" else set()
    wanted = [] if state == "absent" else [_wanted(existing.get(rule["name"]), rule) for rule in desired]
    return RulesPlan(
        before=[rule for rule in current if rule["name"] in names | gone],
        after=wanted,
        create=[rule for rule in wanted if rule["name"] not in existing],
        update=[rule for rule in wanted if rule["name"] in existing and rule != existing[rule["name"]]],
        delete=[name for name in existing if name in gone],
    )


def _wanted(existing: Rule | None, desired: Rule) -> Rule:
    """The rule as it will be: X-Ray's values of attributes are texts, and a boost that is not given stays."""
    if existing is not None and desired["name"] == DEFAULT_RULE:
        return {**existing, **{name: desired[name] for name in _OF_DEFAULT_RULE}}
    attributes = {name: str(value) for name, value in desired["attributes"].items()}
    boost = desired[_BOOST] or (existing or {}).get(_BOOST)
    return {**desired, "attributes": attributes, _BOOST: boost}
