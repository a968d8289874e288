"""The way to moto: only operations known to answer as AWS does are let through, one at a time."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localaws.http import HttpReply, HttpRequest
from localaws.iam import Iam
from localaws.iam_checks import check_use
from localaws.moto_tokens import check_token
from localaws.object_document import Reader, Writer, kept, restore
from localaws.policy_checks import PolicyChecks
from localaws.resource_policy import check_resource_policy
from localaws.seed import ACCOUNT
from localaws.service import ServiceError

_IAM_ROLES = """CreateRole GetRole DeleteRole ListRoles UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy
    TagRole UntagRole ListRoleTags AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies
    PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies"""
_IAM_BOUNDARIES = "PutRolePermissionsBoundary DeleteRolePermissionsBoundary"
_IAM_USERS = """CreateUser GetUser DeleteUser ListUsers CreateAccessKey UpdateAccessKey DeleteAccessKey ListAccessKeys
    AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies
    PutUserPolicy GetUserPolicy DeleteUserPolicy ListUserPolicies"""
_IAM_POLICIES = """CreatePolicy GetPolicy DeletePolicy ListPolicies CreatePolicyVersion GetPolicyVersion
    ListPolicyVersions SetDefaultPolicyVersion DeletePolicyVersion ListEntitiesForPolicy
    TagPolicy UntagPolicy ListPolicyTags"""
_IAM_PROFILES = """CreateInstanceProfile GetInstanceProfile DeleteInstanceProfile ListInstanceProfiles
    AddRoleToInstanceProfile RemoveRoleFromInstanceProfile ListInstanceProfilesForRole"""
_IAM_PROVIDERS = """CreateOpenIDConnectProvider GetOpenIDConnectProvider ListOpenIDConnectProviders
    DeleteOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint TagOpenIDConnectProvider
    UntagOpenIDConnectProvider ListOpenIDConnectProviderTags"""
_IAM = (_IAM_ROLES, _IAM_BOUNDARIES, _IAM_USERS, _IAM_POLICIES, _IAM_PROFILES, _IAM_PROVIDERS)
_LOGS = """CreateLogGroup DescribeLogGroups DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy
    CreateLogStream DescribeLogStreams DeleteLogStream PutLogEvents GetLogEvents FilterLogEvents
    TagResource UntagResource ListTagsForResource
    PutResourcePolicy DescribeResourcePolicies DeleteResourcePolicy"""
_ECR = """CreateRepository DescribeRepositories DeleteRepository GetAuthorizationToken
    TagResource UntagResource ListTagsForResource"""

ALLOWED: dict[str, frozenset[str]] = {
    "iam": frozenset(" ".join(_IAM).split()),
    "logs": frozenset(_LOGS.split()),
    "ecr": frozenset(_ECR.split()),
}

# What moto's backends keep in which of their members.
_KEPT = {
    "iam": ("roles", "users", "access_keys", "managed_policies", "instance_profiles", "open_id_providers", "tagger"),
    "logs": ("groups", "resource_policies", "tagger"),
    "ecr": ("repositories", "tagger"),
}
_ERROR_CODE = re.compile(r'(?:<Code>|"__type": ?"(?:[\w.]+#)?)(\w+)')


class MotoGateway:
    """Passes requests on to moto's applications."""

    def __init__(self, partition: str) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        # Moto's backends are plain dictionaries, made for one thread.
        self.lock = threading.RLock()
        self.iam = Iam(self.lock, partition)
        self._policy_checks = PolicyChecks(self.iam)
        # Moto's backends belong to the process: what an account before this one left in them goes.
        self.reset()

    def allows(self, service: str, operation: str) -> bool:
        """Whether moto may answer this operation."""
        return operation in ALLOWED.get(service, frozenset())

    def check(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        """Raises ServiceError for what AWS refuses and moto takes."""
        check_token(service, operation, parameters)
        if service == "iam":
            check_use(self.iam, operation, parameters)
            self._policy_checks.check(operation, parameters)
        if (service, operation) == ("logs", "PutResourcePolicy"):
            check_resource_policy(parameters.get("policyDocument", ""))

    def save(self) -> Any:
        """What moto holds of each service in each region, as JSON."""
        with self.lock:
            found: dict[str, dict[str, Any]] = {}
            for backends in list(BackendDict._instances):
                for _account, region, backend in backends.iter_backends():
                    service = type(backend).__module__.split(".")[1]
                    if members := _KEPT.get(service):
                        document = Writer(self.iam.aws_policies).write(kept(backend, *members))
                        found.setdefault(service, {})[region] = document
            return found

    def load(self, document: Any) -> None:
        """Takes in what was saved. Raises DocumentError."""
        with self.lock:
            for service, regions in document.items():
                for region, saved in regions.items():
                    restore(get_backend(service)[ACCOUNT][region], Reader(self.iam.aws_policies).read(saved))
            self.iam.count_attachments()

    def reset(self) -> None:
        """Takes away everything that moto holds, in place: who holds a backend keeps it."""
        with self.lock:
            for backends in list(BackendDict._instances):  # moto has no public list of them
                for _account, _region, backend in backends.iter_backends():
                    backend.reset()
            self.iam.restore_aws_policies()
            # Moto keeps each object it ever made for a dashboard that is not shown here.
            reset_model_data()

    def call(self, http: HttpRequest) -> HttpReply:
        """Moto's reply to a request that is allowed."""
        environ = {**http.environ, "wsgi.input": io.BytesIO(http.body), "CONTENT_LENGTH": str(len(http.body))}
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started.update(status=int(status.split(" ", 1)[0]), headers=headers)

        with self.lock:
            chunks = self._application(environ, start_response)
            body = b"".join(chunks)
        return HttpReply(started["status"], body, _kept_headers(started["headers"]))


def error_code(reply: HttpReply) -> str:
    """The code in an error that moto answers, in XML or JSON; empty when it is no error."""
    if reply.status < 400:
        return ""
    found = _ERROR_CODE.search(reply.body.decode("utf-8", "replace"))
    return found.group(1) if found else reply.headers.get("x-amzn-ErrorType", "")


def _kept_headers(headers: list[tuple[str, str]]) -> dict[str, str]:
    """A reply's headers without those that the server here writes itself."""
    own = {"content-length", "connection", "server", "date"}
    return {name: value for name, value in headers if name.lower() not in own}


def not_implemented(service: str, operation: str) -> ServiceError:
    """The answer to what is not here: never an empty success."""
    return ServiceError("NotImplemented", f"localaws does not implement {service}.{operation}", 501)
