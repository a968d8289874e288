"""Holds an add-on's configurationValues against its version's schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from localaws.eks.catalogue import AddonVersion
from localaws.service import ServiceError

_PREFIX = "ConfigurationValue provided in request is not supported:"


def check_configuration(values: str, version: AddonVersion, addon: str) -> None:
    """Raises ServiceError InvalidParameterException for values that are neither JSON nor YAML or break the schema."""
    document = _parsed(values, addon)
    if document is None:
        return
    errors = Draft7Validator(version.configuration_schema()).iter_errors(document)
    found = [message for error in sorted(errors, key=_place) for message in _messages(error)]
    if found:
        raise _refusal(f"Json schema validation failed with error: [{', '.join(found)}]", addon)


def _parsed(values: str, addon: str) -> Any:
    # YAML 1.2 contains JSON, and PyYAML reads what JSON documents are in use. What JSON has not, such as dates and keys
    # that are numbers, becomes text.
    try:
        return json.loads(json.dumps(yaml.safe_load(values), default=str))
    except (yaml.YAMLError, LookupError, ValueError, TypeError, RecursionError) as error:
        raise _refusal("The value is neither JSON nor YAML", addon) from error


def _place(error: ValidationError) -> str:
    return error.json_path


def _messages(error: ValidationError) -> Iterator[str]:
    """The words of the validator that EKS uses."""
    path, rule, schema = error.json_path, error.validator_value, cast(dict[str, Any], error.schema)
    match error.validator:
        case "additionalProperties" if isinstance(error.instance, dict):
            for key in sorted(error.instance.keys() - schema.get("properties", {}).keys()):
                yield f"{path}.{key}: is not defined in the schema and the schema does not allow additional properties"
        case "type":
            yield f"{path}: {_type_name(error.instance)} found, {rule} expected"
        case "enum":
            options = ", ".join(map(str, cast(list[Any], rule)))
            yield f"{path}: does not have a value in the enumeration [{options}]"
        case _:
            yield f"{path}: {error.message}"


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _refusal(message: str, addon: str) -> ServiceError:
    return ServiceError("InvalidParameterException", f"{_PREFIX} {message}", addonName=addon)
