# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading EKS add-ons: what is installed, which versions there are, how one is configured; in Ansible's shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call

with suppress(ImportError):
    import yaml

Addon = dict[str, Any]

_NOT_FOUND = "ResourceNotFoundException"


@dataclass(frozen=True)
class Release:
    """A version of an add-on that a cluster's Kubernetes version can run."""

    version: str
    default: bool
    publisher: str
    owner: str

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sorts versions such as v6.10.0-eksbuild.2 as numbers."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version))


@dataclass(frozen=True)
class Interface:
    """What a version of an add-on can be configured with."""

    schema: dict[str, Any]
    service_accounts: tuple[str, ...]


def read_addon(eks: Any, cluster_name: str, name: str) -> Addon | None:
    """The add-on in Ansible's shape; None where the cluster does not have it."""
    answer = call(
        eks.describe_addon,
        f"describe add-on {name} of cluster {cluster_name}",
        missing_code=_NOT_FOUND,
        clusterName=cluster_name,
        addonName=name,
    )
    if not answer:
        return None
    described = answer["addon"]
    associations = [_read_association(eks, cluster_name, arn) for arn in described.get("podIdentityAssociations", [])]
    return from_aws(described, associations)


def from_aws(described: dict[str, Any], associations: list[dict[str, str]]) -> Addon:
    """EKS' description of an add-on in Ansible's shape; every key is always there."""
    return {
        "cluster_name": described["clusterName"],
        "addon_name": described["addonName"],
        "addon_version": described["addonVersion"],
        "addon_arn": described["addonArn"],
        "status": described["status"],
        "health": {"issues": [_issue(issue) for issue in described.get("health", {}).get("issues", [])]},
        "configuration": parse_configuration(described.get("configurationValues", "")),
        "service_account_role_arn": described.get("serviceAccountRoleArn"),
        "pod_identity_associations": associations,
        "tags": dict(described.get("tags", {})),
        "publisher": described.get("publisher", ""),
        "owner": described.get("owner", ""),
        "created_at": _instant(described.get("createdAt")),
        "modified_at": _instant(described.get("modifiedAt")),
    }


def parse_configuration(text: str) -> dict[str, Any]:
    """configurationValues, which EKS stores as JSON or YAML just as they were sent, as a dict."""
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        parsed = _parse_yaml(text)
    return parsed if isinstance(parsed, dict) else {}


def read_releases(eks: Any, name: str, kubernetes_version: str) -> list[Release]:
    """The versions of an add-on for a Kubernetes version, newest first; raises DeepobsError where there is none."""
    found = [
        _release(addon, version, kubernetes_version)
        for page in _version_pages(eks, name, kubernetes_version)
        for addon in page["addons"]
        if addon["addonName"] == name
        for version in addon["addonVersions"]
    ]
    if not found:
        raise DeepobsError(
            f"EKS has no add-on {name!r} for Kubernetes {kubernetes_version}. Mend name; the names are those of"
            f" 'aws eks describe-addon-versions --kubernetes-version {kubernetes_version}'."
        )
    return sorted(found, key=lambda release: release.precedence, reverse=True)


def read_interface(eks: Any, name: str, version: str) -> Interface:
    """The published schema of an add-on's configuration, and the service accounts that Pod Identity can serve."""
    purpose = f"read the configuration schema of add-on {name} {version}"
    answer = call(eks.describe_addon_configuration, purpose, addonName=name, addonVersion=version)
    accounts = [entry["serviceAccount"] for entry in answer.get("podIdentityConfiguration", [])]
    return Interface(json.loads(answer.get("configurationSchema") or "{}"), tuple(accounts))


def _version_pages(eks: Any, name: str, kubernetes_version: str) -> Iterator[dict[str, Any]]:
    token: dict[str, Any] = {}
    while True:
        page = call(
            eks.describe_addon_versions,
            f"list the versions of add-on {name}",
            addonName=name,
            kubernetesVersion=kubernetes_version,
            **token,
        )
        yield page
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


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
    )


def _read_association(eks: Any, cluster_name: str, arn: str) -> dict[str, str]:
    association = call(
        eks.describe_pod_identity_association,
        f"describe Pod Identity association {arn}",
        clusterName=cluster_name,
        associationId=arn.rpartition("/")[2],
    )["association"]
    return {"service_account": association["serviceAccount"], "role_arn": association["roleArn"]}


def _issue(issue: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": issue.get("code", "Unknown"),
        "message": issue.get("message", ""),
        "resource_ids": list(issue.get("resourceIds", [])),
    }


def _parse_yaml(text: str) -> Any:
    if "yaml" not in globals():
        raise DeepobsError(missing_required_lib("PyYAML", reason="to compare an add-on configuration stored as YAML"))
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return {}


def _instant(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
