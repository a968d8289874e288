# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading EKS add-ons that are installed and their updates, in Ansible's shape."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.deepobs.eks.plugins.module_utils.addon_remedies import trouble_remedy
from ansible_collections.deepobs.eks.plugins.module_utils.arns import resource_name
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_readings import describe_association

Addon = dict[str, Any]

_NOT_FOUND = "ResourceNotFoundException"


def read_addon(eks: Any, cluster_name: str, name: str) -> Addon | None:
    """The add-on in Ansible's shape; None where the cluster does not have it, or there is no such cluster."""
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
    read = [_read_association(eks, cluster_name, arn) for arn in described.get("podIdentityAssociations", [])]
    return from_aws(described, [association for association in read if association])


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
        "namespace": described.get("namespaceConfig", {}).get("namespace"),
        "tags": dict(described.get("tags", {})),
        "publisher": described.get("publisher", ""),
        "owner": described.get("owner", ""),
        "created_at": _instant(described.get("createdAt")),
        "modified_at": _instant(described.get("modifiedAt")),
    }


def list_addons(eks: Any, cluster_name: str) -> list[str]:
    """The names of all add-ons of a cluster."""
    purpose = f"list the add-ons of cluster {cluster_name}"
    found = pages(eks.list_addons, purpose, continued_by="nextToken", clusterName=cluster_name)
    return [name for page in found for name in page["addons"]]


def read_updates(eks: Any, cluster_name: str, name: str, most: int) -> list[dict[str, Any]]:
    """The last updates of an add-on, the newest first, with the remedy of each error.

    EKS lists updates in no order that it promises (API_ListUpdates), so each is asked for its time.
    """
    what, names = f"updates of add-on {name} of cluster {cluster_name}", {"name": cluster_name, "addonName": name}
    listed = pages(eks.list_updates, f"list the {what}", continued_by="nextToken", **names)
    found = [
        call(eks.describe_update, f"describe the {what}", _NOT_FOUND, **names, updateId=update_id).get("update")
        for page in listed
        for update_id in page["updateIds"]
    ]
    newest = sorted(filter(None, found), key=lambda update: update["createdAt"], reverse=True)
    return [_update(update) for update in newest[:most]]


def parse_configuration(text: str) -> dict[str, Any]:
    """configurationValues, which EKS stores as JSON or YAML just as they were sent, as a dict."""
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        parsed = _parse_yaml(text)
    return parsed if isinstance(parsed, dict) else {}


def _read_association(eks: Any, cluster_name: str, arn: str) -> dict[str, str]:
    """Service account and role of an association; empty where it went in between."""
    association = describe_association(eks, cluster_name, resource_name(arn))
    return {"service_account": association["serviceAccount"], "role_arn": association["roleArn"]} if association else {}


def _issue(issue: dict[str, Any]) -> dict[str, Any]:
    return _trouble(issue.get("code", "Unknown"), issue.get("message", ""), issue.get("resourceIds", []))


def _update(update: dict[str, Any]) -> dict[str, Any]:
    errors = [
        _trouble(error.get("errorCode", "Unknown"), error.get("errorMessage", ""), error.get("resourceIds", []))
        for error in update.get("errors", [])
    ]
    return {
        "id": update["id"],
        "status": update["status"],
        "created_at": _instant(update["createdAt"]),
        "params": {parameter["type"]: parameter["value"] for parameter in update.get("params", [])},
        "errors": errors,
    }


def _trouble(code: str, message: str, resource_ids: list[str]) -> dict[str, Any]:
    return {"code": code, "message": message, "resource_ids": list(resource_ids), "remedy": trouble_remedy(code)}


def _parse_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        reason = "to compare an add-on configuration stored as YAML"
        raise DeepobsError(missing_required_lib("PyYAML", reason=reason)) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return {}


def _instant(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
