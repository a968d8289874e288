"""The seed: what the account holds before anyone asked for anything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"
DEFAULT_CLUSTER = "deepobs-local"
KUBERNETES_VERSIONS = ("1.32", "1.33", "1.34", "1.35")

_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class SeedError(ValueError):
    """The seed cannot be used; the message says which key of it and why."""


@dataclass(frozen=True, slots=True)
class ProjectedToken:
    """A service account's token, kept in a file as kubelet does for a pod."""

    namespace: str
    service_account: str
    path: Path


@dataclass(frozen=True, slots=True)
class ClusterSeed:
    """A cluster that is there from the start."""

    name: str = DEFAULT_CLUSTER
    version: str = KUBERNETES_VERSIONS[-1]
    project_tokens: tuple[ProjectedToken, ...] = ()


@dataclass(frozen=True, slots=True)
class Seed:
    """The whole seed; `transition_seconds` is how long an add-on's change takes."""

    region: str = DEFAULT_REGION
    clusters: tuple[ClusterSeed, ...] = field(default=(ClusterSeed(),))
    transition_seconds: float = 1.0


def read_seed(path: Path | None) -> Seed:
    """The seed in a JSON file, the default one for None. Raises SeedError."""
    if path is None:
        return Seed()
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SeedError(error.strerror or str(error)) from error
    except ValueError as error:
        raise SeedError(f"not JSON: {error}") from error
    return parse_seed(document)


def parse_seed(document: Any) -> Seed:
    """The seed in a parsed JSON document. Raises SeedError."""
    entries = _known(document, "seed", {"region", "clusters", "transition_seconds"})
    clusters = tuple(_cluster(item) for item in _list(entries.get("clusters", [{"name": DEFAULT_CLUSTER}]), "clusters"))
    names = [cluster.name for cluster in clusters]
    if len(set(names)) != len(names):
        raise SeedError("clusters: a name is there twice")
    region = _text(entries, "region", DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise SeedError(f"region: '{region}' is not a region's name")
    return Seed(region, clusters, _seconds(entries.get("transition_seconds", 1.0)))


def _cluster(item: Any) -> ClusterSeed:
    entries = _known(item, "clusters[]", {"name", "version", "project_tokens"})
    name, version = _text(entries, "name"), _text(entries, "version", KUBERNETES_VERSIONS[-1])
    if not _CLUSTER_NAME.fullmatch(name):
        raise SeedError(f"clusters[].name: '{name}' is not a cluster's name")
    if version not in KUBERNETES_VERSIONS:
        raise SeedError(f"clusters[].version: '{version}' is none of {', '.join(KUBERNETES_VERSIONS)}")
    tokens = _list(entries.get("project_tokens", []), "clusters[].project_tokens")
    return ClusterSeed(name, version, tuple(_token(token) for token in tokens))


def _token(item: Any) -> ProjectedToken:
    entries = _known(item, "project_tokens[]", {"namespace", "service_account", "path"})
    path = Path(_text(entries, "path"))
    if not path.is_absolute():
        raise SeedError(f"project_tokens[].path: '{path}' is not absolute")
    return ProjectedToken(_text(entries, "namespace"), _text(entries, "service_account"), path)


def _known(item: Any, where: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise SeedError(f"{where}: an object is wanted")
    if unknown := sorted(item.keys() - keys):
        raise SeedError(f"{where}: unknown key '{unknown[0]}', known are {', '.join(sorted(keys))}")
    return item


def _list(item: Any, where: str) -> list[Any]:
    if not isinstance(item, list):
        raise SeedError(f"{where}: a list is wanted")
    return item


def _text(entries: dict[str, Any], key: str, default: str | None = None) -> str:
    value = entries.get(key, default)
    if not isinstance(value, str) or not value:
        raise SeedError(f"{key}: a text is wanted")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise SeedError("transition_seconds: a number from 0 to 3600 is wanted")
    return float(value)
