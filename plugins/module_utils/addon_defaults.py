# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the schemas of an add-on's configuration say of its defaults. Pure.

Configurations are compared by what they mean, with the published defaults out of the way, and two versions by the
defaults that differ between them. Of JSON Schema's keywords it follows those that say which options there are:
properties, items, allOf and a $ref within the document. What only some configurations have (anyOf, if) is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

Schema = Mapping[str, Any]
Path = tuple[str, ...]

UNKNOWN = "unknown"
_ITEM = "[]"
_UNTOLD: Any = object()


@dataclass(frozen=True)
class DefaultsChange:
    """What another version takes for granted where the configuration says nothing; options by their dotted paths.

    `changed` has {"before": ..., "after": ...} of each option, where "unknown" stands for a default that one of the
    schemas does not tell; `unknown` are the options of both versions whose default neither tells. `added` are the
    options that only the later version has, with their defaults, `removed` those that only the earlier has.
    """

    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    added: dict[str, Any] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: the order of keys does not count, 1 is 1.0, and true is not 1."""
    return bool(_comparable(one) == _comparable(other))


def without_defaults(configuration: Any, schema: Schema) -> Any:
    """The configuration less the options that only say what the schema's defaults say anyway."""
    return _pruned(configuration, _Place.of(schema, schema), _UNTOLD)


def published_defaults(schema: Schema) -> dict[str, Any]:
    """The default of each option, by its dotted path; "unknown" where the schema does not tell."""
    return {_dotted(path): _told(default) for path, default in sorted(_options(_Place.of(schema, schema)))}


def compare_defaults(before: Schema, after: Schema, configuration: Any) -> DefaultsChange:
    """What a change of the version changes for this configuration. A schema without options tells nothing."""
    old, new = (dict(_options(_Place.of(schema, schema))) for schema in (before, after))
    paths = sorted(path for path in {*old, *new} if _leaves_open(configuration, path))
    if not old or not new:
        return DefaultsChange(unknown=[_dotted(path) for path in paths])
    both = [path for path in paths if path in old and path in new]
    return DefaultsChange(
        changed={
            _dotted(path): {"before": _told(old[path]), "after": _told(new[path])}
            for path in both
            if not same_value(old[path], new[path])
        },
        unknown=[_dotted(path) for path in both if old[path] is _UNTOLD and new[path] is _UNTOLD],
        added={_dotted(path): _told(new[path]) for path in paths if path not in old},
        removed=[_dotted(path) for path in paths if path not in new],
    )


@dataclass(frozen=True)
class _Place:
    """A place in a schema with all schemas that hold for it together."""

    root: Schema
    facets: tuple[Schema, ...]

    @classmethod
    def of(cls, schema: Any, root: Schema) -> _Place:
        return cls(root, tuple(_facets(schema, root)))

    @cached_property
    def properties(self) -> dict[str, _Place]:
        """The options of an object."""
        parts: dict[str, list[Any]] = {}
        for facet in self.facets:
            for key, schema in facet.get("properties", {}).items():
                parts.setdefault(key, []).append(schema)
        return {key: _Place.of({"allOf": schemas}, self.root) for key, schemas in parts.items()}

    @cached_property
    def items(self) -> _Place:
        """What holds for each item of a list."""
        schemas = [facet["items"] for facet in self.facets if isinstance(facet.get("items"), Mapping)]
        return _Place.of({"allOf": schemas}, self.root)

    @property
    def default(self) -> Any:
        return next((facet["default"] for facet in self.facets if "default" in facet), _UNTOLD)


def _facets(schema: Any, root: Schema, followed: Path = ()) -> Iterator[Schema]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        yield from _facets(_target(reference, root), root, (*followed, reference))
    for part in schema.get("allOf", []):
        yield from _facets(part, root, followed)


def _target(reference: str, root: Schema) -> Any:
    """What a reference leads to (RFC 6901); nothing for one that leads out of the document or nowhere."""
    document, _hash, pointer = reference.partition("#")
    place: Any = {} if document else root
    for step in unquote(pointer).split("/")[1:]:
        place = place.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(place, Mapping) else None
    return place


def _options(place: _Place, told: Any = _UNTOLD, path: Path = (), within: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each option that has no options of its own, with its default or the one that an object around it gives it.

    `within` guards against schemas that contain themselves.
    """
    names = tuple(str(id(facet)) for facet in place.facets if "properties" in facet)
    if set(names) & set(within):
        return
    default = _default(place, told)
    if path and not place.properties:
        yield path, default
    for key, option in place.properties.items():
        yield from _options(option, _part(default, key), (*path, key), within + names)
    for key, option in place.items.properties.items():
        yield from _options(option, _UNTOLD, (*path, _ITEM, key), within + names)


def _pruned(value: Any, place: _Place, told: Any) -> Any:
    if isinstance(value, list):
        return [_pruned(item, place.items, _UNTOLD) for item in value]
    if not isinstance(value, Mapping):
        return value
    default = _default(place, told)
    kept = {}
    for key, part in value.items():
        option = place.properties.get(key, _Place(place.root, ()))
        pruned, part_default = _pruned(part, option, _part(default, key)), _default(option, _part(default, key))
        if not _says_nothing(pruned, option, part_default):
            kept[key] = pruned
    return kept


def _says_nothing(pruned: Any, option: _Place, default: Any) -> bool:
    """Whether an option without defaults within it says no more than its own default, or is an empty frame."""
    if option.properties and isinstance(pruned, Mapping):
        return not pruned
    return default is not _UNTOLD and same_value(pruned, _pruned(default, option, _UNTOLD))


def _default(place: _Place, told: Any) -> Any:
    """The default of a place: that of an object around it, which is the more specific, before its own."""
    return place.default if told is _UNTOLD else told


def _part(default: Any, key: str) -> Any:
    return default.get(key, _UNTOLD) if isinstance(default, Mapping) else _UNTOLD


def _told(default: Any) -> Any:
    return UNKNOWN if default is _UNTOLD else default


def _leaves_open(configuration: Any, path: Path) -> bool:
    """Whether the default of an option counts: the configuration does not set it, in any one item of a list."""
    if not path:
        return False
    step, *rest = path
    if step == _ITEM:
        return isinstance(configuration, list) and any(_leaves_open(item, tuple(rest)) for item in configuration)
    if not isinstance(configuration, Mapping):
        return False
    if step in configuration:
        return _leaves_open(configuration[step], tuple(rest))
    return _ITEM not in rest


def _dotted(path: Path) -> str:
    return ".".join(path).replace("." + _ITEM, _ITEM)


def _comparable(value: Any) -> Any:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Mapping):
        return {str(key): _comparable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return value
