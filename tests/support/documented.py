"""Holds what a module returns against what its RETURN documentation says."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import yaml

_TYPES: dict[str, tuple[type, ...]] = {
    "dict": (dict,),
    "list": (list,),
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
}
_EVERY_MODULE_RETURNS = frozenset({"changed", "diff", "warnings", "deprecations"})


def return_documentation(module: str) -> dict[str, Any]:
    """The parsed RETURN of one of this collection's modules."""
    documented: dict[str, Any] = yaml.safe_load(
        import_module(f"ansible_collections.deepobs.eks.plugins.modules.{module}").RETURN
    )
    return documented


def differences(documented: Mapping[str, Any], returned: Mapping[str, Any], path: str = "") -> list[str]:
    """Where a result and its documentation part: undocumented keys, absent ones which always come, other types.

    A key documented as `returned: always` (or success) must be there; a dict documented without `contains` is free.
    """
    unknown = set(returned) - set(documented) - (set() if path else _EVERY_MODULE_RETURNS)
    found = [f"{path}{key} is returned but not documented" for key in sorted(unknown)]
    for key, entry in documented.items():
        if key in returned:
            found += _value_differences(entry, returned[key], f"{path}{key}")
        elif entry.get("returned") in ("always", "success"):
            found.append(f"{path}{key} is documented but was not returned")
    return found


def _value_differences(entry: Mapping[str, Any], value: Any, path: str) -> list[str]:
    if value is None:
        return [] if "null" in str(entry.get("description", "")).lower() else [f"{path} is null"]
    kinds = _TYPES.get(entry["type"], (object,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
        return [f"{path} is {type(value).__name__}, documented as {entry['type']}"]
    contains = entry.get("contains")
    if contains is None:
        return []
    items: list[Any] = value if isinstance(value, list) else [value]
    return [line for item in items for line in differences(contains, item, f"{path}.")]
