"""The add-ons on offer: versions, what they fit, their configuration schemas. The data lies in data/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class AddonVersion:
    """One version of an add-on; `default_for` are the Kubernetes versions whose default it is."""

    version: str
    kubernetes: tuple[str, ...]
    default_for: tuple[str, ...]
    schema: str

    @property
    def minor(self) -> tuple[int, int]:
        """Its major and minor number."""
        major, minor = self.version.removeprefix("v").split(".")[:2]
        return int(major), int(minor)

    def configuration_schema(self) -> dict[str, Any]:
        """The JSON schema of its configurationValues."""
        return _schema(self.schema)


@dataclass(frozen=True, slots=True)
class AddonOffer:
    """An add-on on offer, its newest version first; some are updated by one minor version at a time only."""

    name: str
    type: str
    owner: str
    publisher: str
    namespace: str
    requires_iam_permissions: bool
    service_accounts: tuple[tuple[str, tuple[str, ...]], ...]
    versions: tuple[AddonVersion, ...]
    one_minor_version_a_time: bool = False

    def version(self, version: str) -> AddonVersion | None:
        """The version by its name, None when it is not on offer."""
        return next((offered for offered in self.versions if offered.version == version), None)

    def default_version(self, kubernetes: str) -> AddonVersion | None:
        """What an add-on without a wish gets on a cluster of this Kubernetes version."""
        return next((offered for offered in self.versions if kubernetes in offered.default_for), None)


@cache
def offers() -> dict[str, AddonOffer]:
    """Every add-on on offer, by name."""
    entries = json.loads((_DATA / "addons.json").read_text("utf-8"))
    return {offer.name: offer for offer in _offers(entries)}


def _offers(entries: list[dict[str, Any]]) -> Iterator[AddonOffer]:
    for entry in entries:
        yield AddonOffer(
            name=entry["name"],
            type=entry["type"],
            owner=entry.get("owner", "aws"),
            publisher=entry.get("publisher", "eks"),
            namespace=entry["namespace"],
            requires_iam_permissions=bool(entry["service_accounts"]),
            service_accounts=tuple((name, tuple(policies)) for name, policies in entry["service_accounts"].items()),
            versions=tuple(_version(version) for version in entry["versions"]),
            one_minor_version_a_time=entry.get("one_minor_version_a_time", False),
        )


def _version(entry: dict[str, Any]) -> AddonVersion:
    return AddonVersion(entry["version"], tuple(entry["kubernetes"]), tuple(entry["default_for"]), entry["schema"])


@cache
def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((_DATA / "schemas" / name).read_text("utf-8"))
    return schema
