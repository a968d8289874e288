# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pod Identity associations: their shape, what is wrong with a request, and what to do to get there. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

Association = dict[str, Any]
# Namespace and service account, for which there is one association at most.
Place = tuple[str, str]

# Ansible's name of each member and EKS's (API_PodIdentityAssociation).
MEMBERS = {
    "namespace": "namespace",
    "service_account": "serviceAccount",
    "role_arn": "roleArn",
    "target_role_arn": "targetRoleArn",
    "disable_session_tags": "disableSessionTags",
    "policy": "policy",
    "external_id": "externalId",
    "association_id": "associationId",
    "association_arn": "associationArn",
    "owner_arn": "ownerArn",
    "created_at": "createdAt",
    "modified_at": "modifiedAt",
}
# What an UpdatePodIdentityAssociation changes.
SETTINGS = ("role_arn", "target_role_arn", "disable_session_tags", "policy")
EVERY_NAMESPACE = "*"

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")
# Names of Kubernetes: RFC 1123 labels for namespaces, subdomains for service accounts.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_SERVICE_ACCOUNT = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")


def from_aws(item: Mapping[str, Any]) -> Association:
    """An association of EKS in Ansible's shape; what EKS does not tell is None."""
    association: Association = {name: item.get(theirs) for name, theirs in MEMBERS.items()}
    policy = association["policy"]
    return {
        **association,
        "disable_session_tags": bool(association["disable_session_tags"]),
        "policy": json.loads(policy) if policy else None,
        "tags": dict(item.get("tags", {})),
        "addon": addon_of(association["owner_arn"]),
        "created_at": item["createdAt"].isoformat(),
        "modified_at": item["modifiedAt"].isoformat(),
    }


def addon_of(owner_arn: str | None) -> str | None:
    """The name of the add-on with this ARN."""
    return owner_arn.split("/")[2] if owner_arn else None


def settings_to_aws(association: Association, names: Sequence[str]) -> dict[str, Any]:
    """These of an association's settings as parameters of EKS; an empty text takes away what is None."""
    values = {MEMBERS[name]: association[name] for name in names}
    if values.get("policy"):
        values["policy"] = json.dumps(values["policy"])
    return {name: "" if value is None else value for name, value in values.items()}


def place_of(association: Mapping[str, Any]) -> Place:
    """What the association is for."""
    return association["namespace"], association["service_account"]


def name_of(association: Mapping[str, Any]) -> str:
    """The association in messages: namespace/service_account."""
    return "/".join(place_of(association))


@dataclass(frozen=True)
class Request:
    """What is wanted of a cluster's associations; `namespaces` is how far the state exact reaches."""

    cluster_name: str
    region: str
    associations: tuple[dict[str, Any], ...]
    state: str
    namespaces: tuple[str, ...] = ()
    purge_tags: bool = True

    def check(self) -> None:
        """Raises DeepobsError naming the first association and option that cannot be used."""
        places = [place_of(association) for association in self.associations]
        for association, place in zip(self.associations, places, strict=True):
            complaints = self._complaints(association)
            complaint = "is there twice; give each once." if places.count(place) > 1 else next(complaints, "")
            if complaint:
                raise DeepobsError(f"associations: {name_of(association)}: {complaint}")

    def _complaints(self, association: Mapping[str, Any]) -> Iterator[str]:
        namespace, service_account = place_of(association)
        if not _NAMESPACE.fullmatch(namespace):
            yield f"{namespace!r} cannot be the name of a namespace."
        if not _SERVICE_ACCOUNT.fullmatch(service_account):
            yield f"{service_account!r} cannot be the name of a service account."
        if self.state == "absent":
            return
        if not association["role_arn"]:
            yield "role_arn is required unless state is absent."
        for name in ("role_arn", "target_role_arn"):
            if association[name] and not _ROLE_ARN.fullmatch(association[name]):
                yield f"{name}: {association[name]!r} is not the ARN of an IAM role."
        if self.state == "exact" and not self._reaches(namespace):
            yield f"namespaces: {namespace!r} is missing, so that it is not in the reach of the state exact."

    def _reaches(self, namespace: str) -> bool:
        return self.state == "exact" and (namespace in self.namespaces or EVERY_NAMESPACE in self.namespaces)

    def concerns(self, summary: Mapping[str, Any]) -> bool:
        """Whether an association, of which no more than place and owner may be known, is named or might have to go."""
        named = place_of(summary) in {place_of(association) for association in self.associations}
        return named or (self._reaches(summary["namespace"]) and not summary["owner_arn"])

    @property
    def only_namespace(self) -> str | None:
        """The one namespace that the request is about; None where there are more."""
        named = {association["namespace"] for association in self.associations} | {*self.namespaces}
        return named.pop() if len(named) == 1 and EVERY_NAMESPACE not in named else None


@dataclass(frozen=True)
class Plan:
    """What to delete, update (from, to) and create, and the associations concerned before and after."""

    before: list[Association]
    after: list[Association]
    delete: list[Association] = field(default_factory=list)
    update: list[tuple[Association, Association]] = field(default_factory=list)
    create: list[Association] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.delete or self.update or self.create)

    @property
    def diff(self) -> dict[str, Any]:
        """What the associations do, before and after."""
        return {"before": _shown(self.before), "after": _shown(self.after)}


def _shown(associations: Sequence[Association]) -> dict[str, Any]:
    return {
        "associations": {
            name_of(association): {name: association[name] for name in (*SETTINGS, "tags")}
            for association in associations
        }
    }


def plan_associations(current: Sequence[Association], request: Request) -> Plan:
    """What makes the named associations present as asked, or absent; others go only where the state exact reaches.

    `current` are those that the request concerns. Raises DeepobsError for a change of one that belongs to an add-on,
    and for a policy that EKS would refuse.
    """
    existing = {place_of(association): association for association in current}
    named = [place_of(association) for association in request.associations]
    if request.state == "absent":
        wanted = []
        gone = list(current)
    else:
        wanted = [_wanted(existing.get(place_of(asked)), asked, request) for asked in request.associations]
        gone = [association for place, association in existing.items() if place not in named]
    pairs = [(existing[place_of(item)], item) for item in wanted if place_of(item) in existing]
    plan = Plan(
        before=list(current),
        after=wanted,
        delete=gone,
        update=[(before, after) for before, after in pairs if before != after],
        create=[item for item in wanted if place_of(item) not in existing],
    )
    _check(plan)
    return plan


def _wanted(existing: Association | None, asked: Mapping[str, Any], request: Request) -> Association:
    """The association as it will be: what is not given stays as it is, an empty text or dict is nothing."""
    blank: Association = {**dict.fromkeys((*MEMBERS, "addon"), None), "disable_session_tags": False, "tags": {}}
    given = {name: asked[name] for name in ("namespace", "service_account", *SETTINGS) if asked[name] is not None}
    association = {**blank, **(existing or {}), **given}
    for name in ("target_role_arn", "policy"):
        association[name] = association[name] or None
    tags = association["tags"]
    if asked["tags"] is not None:
        to_set, to_unset = compare_aws_tags(tags, asked["tags"], request.purge_tags)
        kept = {key: value for key, value in tags.items() if key not in to_unset}
        tags = {**kept, **{key: str(value) for key, value in to_set.items()}}
    return {**association, "tags": tags, "external_id": _external_id(association, request)}


def _external_id(association: Mapping[str, Any], request: Request) -> str | None:
    """What the target role can ask for in sts:ExternalId (EKS User Guide, "Access AWS resources using EKS Pod Identity
    target IAM roles")."""
    found = _ROLE_ARN.fullmatch(association["role_arn"]) if association["target_role_arn"] else None
    return "/".join((request.region, found[1], request.cluster_name, *place_of(association))) if found else None


def _check(plan: Plan) -> None:
    for association in (*plan.delete, *(before for before, _after in plan.update)):
        if addon := association["addon"]:
            raise DeepobsError(
                f"associations: {name_of(association)} belongs to the add-on {addon}, whose next update may undo what"
                " is changed here. Change it with eks_addon's option pod_identity_associations."
            )
    for association in plan.after:
        if association["policy"] and not association["disable_session_tags"]:
            raise DeepobsError(
                f"associations: {name_of(association)}: EKS takes a policy only with disable_session_tags=true."
            )
