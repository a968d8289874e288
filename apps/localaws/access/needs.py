"""Which actions on which resources a call needs, as the Service Authorization Reference has them.

An operation that is not in a table needs the action of its own name on all resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from localaws.access.evaluation import Need
from localaws.iam import Iam
from localaws.regions import partition_of
from localaws.service import Request

_ADDON: Final = "addon/{clusterName}/{addonName}/*"
_ASSOCIATION: Final = "podidentityassociation/{clusterName}/{associationId}"
_LOG_GROUP: Final = "log-group:{logGroupName}"
_LOG_STREAM: Final = "log-group:{logGroupName}:log-stream:{logStreamName}"
_REPOSITORY: Final = "repository/{repositoryName}"

# The resource of each operation: a template of the ARN's last member, or of a whole ARN.
_RESOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "eks": {
        "DescribeCluster": "cluster/{name}",
        **dict.fromkeys(("CreateAddon", "ListAddons"), "cluster/{clusterName}"),
        **dict.fromkeys(("DescribeAddon", "UpdateAddon", "DeleteAddon"), _ADDON),
        **dict.fromkeys(("DescribeUpdate", "ListUpdates"), "cluster/{name}"),
        "ListNodegroups": "cluster/{clusterName}",
        **dict.fromkeys(("DescribeNodegroup", "DeleteNodegroup"), "nodegroup/{clusterName}/{nodegroupName}/*"),
        **dict.fromkeys(("CreatePodIdentityAssociation", "ListPodIdentityAssociations"), "cluster/{clusterName}"),
        **{f"{verb}PodIdentityAssociation": _ASSOCIATION for verb in ("Describe", "Update", "Delete")},
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{resourceArn}"),
    },
    "xray": {
        "CreateSamplingRule": "sampling-rule/{SamplingRule.RuleName}",
        "UpdateSamplingRule": "sampling-rule/{SamplingRuleUpdate.RuleName}",
        "DeleteSamplingRule": "sampling-rule/{RuleName}",
        **{f"{verb}Group": "group/{GroupName}/*" for verb in ("Create", "Get", "Update", "Delete")},
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{ResourceARN}"),
    },
    "logs": {
        **{f"{verb}LogGroup": _LOG_GROUP for verb in ("Create", "Delete")},
        **{f"{verb}RetentionPolicy": _LOG_GROUP for verb in ("Put", "Delete")},
        **dict.fromkeys(("CreateLogStream", "DescribeLogStreams", "FilterLogEvents"), _LOG_GROUP),
        **dict.fromkeys(("DeleteLogStream", "PutLogEvents", "GetLogEvents"), _LOG_STREAM),
        "DescribeLogGroups": "log-group:*",
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{resourceArn}"),
    },
    "ecr": {
        **dict.fromkeys(("CreateRepository", "DeleteRepository"), _REPOSITORY),
        "DescribeRepositories": "repository/*",
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{resourceArn}"),
    },
}
# The first of these parameters that a call of IAM has names its resource.
_IAM_RESOURCES: Final = {
    "OpenIDConnectProviderArn": "{OpenIDConnectProviderArn}",
    "Url": "oidc-provider/{Url}",
    "InstanceProfileName": "instance-profile/{InstanceProfileName}",
    "RoleName": "role/{RoleName}",
    "UserName": "user/{UserName}",
    "PolicyArn": "{PolicyArn}",
    "PolicyName": "policy/{PolicyName}",
}
# What giving tags at once needs besides.
_TAGGING: Final = {
    ("eks", "CreateAddon"): ("eks:TagResource", _ADDON),
    ("eks", "CreatePodIdentityAssociation"): ("eks:TagResource", "podidentityassociation/{clusterName}/*"),
    ("xray", "CreateSamplingRule"): ("xray:TagResource", "sampling-rule/{SamplingRule.RuleName}"),
    ("logs", "CreateLogGroup"): ("logs:TagResource", _LOG_GROUP),
    ("ecr", "CreateRepository"): ("ecr:TagResource", _REPOSITORY),
    ("iam", "CreateRole"): ("iam:TagRole", "role/{RoleName}"),
    ("iam", "CreateUser"): ("iam:TagUser", "user/{UserName}"),
    ("iam", "CreatePolicy"): ("iam:TagPolicy", "policy/{PolicyName}"),
    ("iam", "CreateInstanceProfile"): ("iam:TagInstanceProfile", "instance-profile/{InstanceProfileName}"),
    ("iam", "CreateOpenIDConnectProvider"): ("iam:TagOpenIDConnectProvider", "oidc-provider/{Url}"),
}
_FIELD: Final = re.compile(r"\{([\w.]+)\}")
# What needs no permission, and what a role's trust policy decides about in sts/.
_NEEDS_NOTHING: Final = {"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"}


class Needs:
    """Tells what calls need; looks into IAM for the paths of roles and users."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam

    def of(self, service: str, request: Request) -> Iterator[Need]:
        """The needs of a call, its own first."""
        operation, parameters = request.operation, request.parameters
        if service == "sts" and operation in _NEEDS_NOTHING:
            return
        template = _iam_template(parameters) if service == "iam" else _RESOURCES.get(service, {}).get(operation, "*")
        yield Need(f"{service}:{operation}", self._arn(service, template, request), _own_context(service, parameters))
        if parameters.get("tags") or parameters.get("Tags"):
            yield from self._tagging(service, request)
        if service == "eks":
            yield from self._roles_handed_to_eks(request)
        if service == "iam" and operation == "AddRoleToInstanceProfile":
            yield _pass_role(self._arn(service, "role/{RoleName}", request), "ec2.amazonaws.com")

    def _tagging(self, service: str, request: Request) -> Iterator[Need]:
        if found := _TAGGING.get((service, request.operation)):
            yield Need(found[0], self._arn(service, found[1], request))

    def _roles_handed_to_eks(self, request: Request) -> Iterator[Need]:
        parameters = request.parameters
        if request.operation in ("CreateAddon", "UpdateAddon"):
            if parameters.get("serviceAccountRoleArn"):
                yield _pass_role(parameters["serviceAccountRoleArn"], "eks.amazonaws.com")
            for association in parameters.get("podIdentityAssociations") or ():
                cluster = self._arn("eks", "cluster/{clusterName}", request)
                yield Need("eks:CreatePodIdentityAssociation", cluster)
                yield _pass_role(association["roleArn"], "pods.eks.amazonaws.com")
        elif "PodIdentityAssociation" in request.operation and parameters.get("roleArn"):
            yield _pass_role(parameters["roleArn"], "pods.eks.amazonaws.com")

    def _arn(self, service: str, template: str, request: Request) -> str:
        filled = _FIELD.sub(lambda field: _value(request.parameters, field[1]), template)
        if filled == "*" or filled.startswith("arn:"):
            return filled
        if service == "iam":
            return self._iam_arn(filled, request)
        partition = partition_of(request.region)
        return f"arn:{partition}:{service}:{request.region}:{request.account}:{filled}"

    def _iam_arn(self, resource: str, request: Request) -> str:
        kind, _unused, name = resource.partition("/")
        if kind == "oidc-provider":
            name = name.removeprefix("https://")
        elif kind in ("role", "user") and request.operation not in ("CreateRole", "CreateUser"):
            return self._iam.arn_of("role" if kind == "role" else "user", name)
        path = request.parameters.get("Path", "/").removeprefix("/") if request.operation.startswith("Create") else ""
        return f"arn:{partition_of(request.region)}:iam::{request.account}:{kind}/{path}{name}"


def _iam_template(parameters: Mapping[str, Any]) -> str:
    return next((template for name, template in _IAM_RESOURCES.items() if name in parameters), "*")


def _value(parameters: Mapping[str, Any], path: str) -> str:
    """The parameter under a dotted path; * where it is not given."""
    value: Any = parameters
    for name in path.split("."):
        value = value.get(name, "*") if isinstance(value, Mapping) else "*"
    return str(value)


def _own_context(service: str, parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """The condition keys that the service itself has."""
    names = {
        "iam": {"PolicyArn": "iam:policyarn", "PermissionsBoundary": "iam:permissionsboundary"},
        "cloudwatch": {"Namespace": "cloudwatch:namespace"},
    }
    return {key: [parameters[name]] for name, key in names.get(service, {}).items() if parameters.get(name)}


def _pass_role(role_arn: str, service: str) -> Need:
    return Need("iam:PassRole", role_arn, {"iam:passedtoservice": [service]})
