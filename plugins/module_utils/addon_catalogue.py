# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What EKS has on offer: an add-on's versions for a cluster, and how a version of it can be configured."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages

_NOT_OFFERED = frozenset({"ResourceNotFoundException", "InvalidParameterException"})


@dataclass(frozen=True)
class Release:
    """A version of an add-on that a cluster's Kubernetes version can run."""

    version: str
    default: bool
    publisher: str
    owner: str
    namespace: str | None = None

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sorts by version."""
        return precedence(self.version)


@dataclass(frozen=True)
class Interface:
    """What a version of an add-on can be configured with."""

    schema: dict[str, Any]
    service_accounts: tuple[str, ...]


class Catalogue:
    """What is on offer for one cluster; each thing is asked for when it is first wanted, and once."""

    def __init__(self, eks: Any, cluster_name: str) -> None:
        self._eks = eks
        self._cluster_name = cluster_name
        self._interfaces: dict[tuple[str, str], Interface] = {}

    @cached_property
    def cluster(self) -> dict[str, Any]:
        """The cluster; raises DeepobsError where there is none of this name."""
        return describe_cluster(self._eks, self._cluster_name)

    def releases(self, name: str) -> list[Release]:
        """An add-on's versions for the cluster's Kubernetes version, newest first; DeepobsError where there is none."""
        found = self.find_releases(name)
        if not found:
            kubernetes_version = self.cluster["version"]
            raise DeepobsError(
                f"EKS has no add-on {name!r} for Kubernetes {kubernetes_version}. Mend its name; the names are those of"
                f" 'aws eks describe-addon-versions --kubernetes-version {kubernetes_version}'."
            )
        return found

    def find_releases(self, name: str) -> list[Release]:
        """The same where there may be none."""
        kubernetes_version = self.cluster["version"]
        found = pages(
            self._eks.describe_addon_versions,
            f"list the versions of add-on {name}",
            continued_by="nextToken",
            addonName=name,
            kubernetesVersion=kubernetes_version,
        )
        releases = [
            _release(addon, version, kubernetes_version)
            for page in found
            for addon in page["addons"]
            if addon["addonName"] == name
            for version in addon["addonVersions"]
        ]
        return sorted(releases, key=lambda release: release.precedence, reverse=True)

    def interface(self, name: str, version: str) -> Interface:
        """The published schema of a version's configuration, and the service accounts that Pod Identity can serve."""
        if (name, version) not in self._interfaces:
            self._interfaces[name, version] = self._read_interface(name, version)
        return self._interfaces[name, version]

    def past_interface(self, name: str, version: str) -> Interface:
        """The same of a version that EKS may no longer offer; then one without any options."""
        try:
            return self.interface(name, version)
        except DeepobsError as error:
            if error_code(error) not in _NOT_OFFERED:
                raise
            return Interface({}, ())

    def _read_interface(self, name: str, version: str) -> Interface:
        purpose = f"read the configuration schema of add-on {name} {version}"
        answer = call(self._eks.describe_addon_configuration, purpose, addonName=name, addonVersion=version)
        accounts = [entry["serviceAccount"] for entry in answer.get("podIdentityConfiguration", [])]
        return Interface(json.loads(answer.get("configurationSchema") or "{}"), tuple(accounts))


def precedence(version: str) -> tuple[int, ...]:
    """Sorts versions such as v6.10.0-eksbuild.2 as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def choose_version(name: str, asked: str | None, current: str, releases: Sequence[Release]) -> str:
    """The version to install: the one asked for, by name or as default or latest, else the current, else the default.

    One that is asked for without its build (-eksbuild.N) is its newest build. `current` is empty for an add-on that is
    not there; one that AWS no longer offers may stay. `releases` are those for the cluster's Kubernetes version,
    newest first. Raises DeepobsError for any other version.
    """
    if current and asked in (None, current):
        return current
    if asked == "latest":
        return releases[0].version
    if asked in (None, "default"):
        return default_release(releases).version
    for release in releases:
        if asked in (release.version, release.version.partition("-eksbuild.")[0]):
            return release.version
    available = ", ".join(release.version for release in releases)
    raise DeepobsError(
        f"version {asked!r} is none of add-on {name} for the cluster's Kubernetes version. There are: {available}."
    )


def default_release(releases: Sequence[Release]) -> Release:
    """The one that AWS marks as default; the newest where none is marked."""
    return next((release for release in releases if release.default), releases[0])


def _release(addon: dict[str, Any], version: dict[str, Any], kubernetes_version: str) -> Release:
    return Release(
        version=version["addonVersion"],
        default=any(
            fit.get("defaultVersion", False)
            for fit in version.get("compatibilities", [])
            if fit["clusterVersion"] == kubernetes_version
        ),
        publisher=addon.get("publisher", ""),
        owner=addon.get("owner", ""),
        namespace=addon.get("defaultNamespace"),
    )
