"""eks_pod_identity_association against an account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import Request, plan_associations
from ansible_collections.deepobs.eks.plugins.modules import eks_pod_identity_association as module
from support.documented import differences, return_documentation
from support.localaws_admin import admin
from support.module_cycle import ONLY_AWS_KNOWS, ModuleFailedError, run_cycle, run_module
from support.scenarios import CLUSTER
from support.scenarios.eks_pod_identity_association import (
    MODULE,
    POLICY,
    TARGET,
    TRUST,
    VOLATILE,
    role_arn,
    with_addons_association,
    with_associations,
    with_roles,
)

INFO = "eks_pod_identity_association_info"
BACKEND = {"namespace": "shop", "service_account": "backend", "role_arn": role_arn("backend")}


pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module looks again at once."""
    monkeypatch.setattr(module, "_AGAIN_AFTER_SECONDS", 0.0)


def asked(role: str) -> dict[str, Any]:
    """What the module's options say of an association that is given no more than its role."""
    return {**BACKEND, "role_arn": role, **dict.fromkeys(("target_role_arn", "disable_session_tags", "policy", "tags"))}


class Retried:
    """A client whose methods take aws_retry, as those of a module's client do."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda aws_retry, **parameters: getattr(self._client, name)(**parameters)


def arguments(*associations: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"cluster_name": CLUSTER, "associations": list(associations), **options}


def cycle(*associations: dict[str, Any], **options: Any) -> dict[str, Any]:
    done = run_cycle(MODULE, arguments(*associations, **options), ONLY_AWS_KNOWS | VOLATILE).done
    assert differences(return_documentation(MODULE), done) == []
    return done


def failure(*associations: dict[str, Any], check: bool = False, **options: Any) -> str:
    with pytest.raises(ModuleFailedError) as failed:
        run_module(MODULE, arguments(*associations, **options), check=check)
    return str(failed.value)


def listed(aws: Any) -> list[str]:
    found = aws.eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"]
    return [f"{item['namespace']}/{item['serviceAccount']}" for item in found]


def with_untrusting_role(aws: Any, name: str = "untrusting") -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{**TRUST, "Action": "sts:AssumeRole"}]}
    aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    return {**BACKEND, "role_arn": role_arn(name)}


def test_associations_are_created_together(aws: Any) -> None:
    with_roles(aws)
    frontend = {"namespace": "shop", "service_account": "frontend", "role_arn": role_arn("frontend")}
    done = cycle({**BACKEND, "target_role_arn": TARGET}, {**frontend, "disable_session_tags": True, "policy": POLICY})

    assert listed(aws) == ["shop/backend", "shop/frontend"]
    assert done["associations"][0]["external_id"] == f"eu-west-1/123456789012/{CLUSTER}/shop/backend"
    number = done["associations"][1]["association_id"]
    found = aws.eks.describe_pod_identity_association(clusterName=CLUSTER, associationId=number)["association"]
    assert (json.loads(found["policy"]), found["disableSessionTags"]) == (POLICY, True)


def test_another_role_keeps_the_id(aws: Any) -> None:
    with_associations(aws)
    before = run_module(INFO, {"cluster_name": CLUSTER, "namespace": "shop", "service_account": "backend"})
    done = cycle({**BACKEND, "role_arn": role_arn("frontend"), "tags": {"stage": "demo"}})

    (old,), (new,) = before["associations"], done["associations"]
    assert (new["association_id"], new["role_arn"]) == (old["association_id"], role_arn("frontend"))
    assert (new["target_role_arn"], new["tags"]) == (TARGET, {"stage": "demo"})
    assert listed(aws) == ["agents/daemon", "shop/backend", "shop/old"]


def test_only_tags_are_changed(aws: Any) -> None:
    with_associations(aws)
    done = cycle({**BACKEND, "tags": {"owner": "me"}}, purge_tags=False)
    arn = done["associations"][0]["association_arn"]
    tags = aws.eks.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == done["associations"][0]["tags"] == {"team": "shop", "stage": "test", "owner": "me"}


def test_exact_leaves_addons_and_other_namespaces_alone(aws: Any) -> None:
    with_addons_association(aws)
    run_module(MODULE, arguments(BACKEND))
    cycle(state="exact", namespaces=["kube-system"])
    assert listed(aws) == ["kube-system/aws-node", "shop/backend"]


def test_association_of_an_addon_is_refused(aws: Any) -> None:
    with_addons_association(aws)
    owned = {"namespace": "kube-system", "service_account": "aws-node", "role_arn": role_arn("frontend")}
    message = failure(owned, check=True)
    assert "kube-system/aws-node belongs to the add-on vpc-cni" in message
    assert "eks_addon's option pod_identity_associations" in message


def test_role_that_does_not_trust_pod_identity_is_told_before_anything_is_written(aws: Any) -> None:
    with_roles(aws)
    untrusting = with_untrusting_role(aws)
    for check in (True, False):
        message = failure({**BACKEND, "service_account": "first"}, untrusting, check=check)
        assert f"shop/backend: the trust policy of {role_arn('untrusting')} does not let" in message
        assert "pods.eks.amazonaws.com do sts:TagSession; add a statement" in message
    assert listed(aws) == []


def test_missing_role_fails_but_in_check_mode_counts_as_planned(aws: Any) -> None:
    assert f"shop/backend: there is no role {role_arn('backend')}" in failure(BACKEND)
    assert run_module(MODULE, arguments(BACKEND), check=True)["changed"]


def test_warning_of_a_role_does_not_stop(aws: Any) -> None:
    with_associations(aws)
    untrusting = {"Version": "2012-10-17", "Statement": [{**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}}]}
    aws.iam.update_assume_role_policy(RoleName="backend", PolicyDocument=json.dumps(untrusting))
    done = run_module(MODULE, arguments({**BACKEND, "tags": {"stage": "demo"}}, trust="warn"))
    assert done["changed"]
    assert "does not let pods.eks.amazonaws.com do sts:AssumeRole and sts:TagSession" in str(done["warnings"])


def test_ignoring_trust_leaves_it_to_eks(aws: Any) -> None:
    message = failure(with_untrusting_role(aws), trust="ignore")
    assert "Failed to create Pod Identity association shop/backend" in message
    assert "Trust policy of the role provided is invalid" in message


def test_role_that_eks_does_not_know_yet_is_waited_for(aws: Any, account: str, no_pauses: None) -> None:
    with_roles(aws)
    error = {"code": "InvalidParameterException", "message": "Role provided in the request does not exist."}
    fault = {"service": "eks", "operation": "CreatePodIdentityAssociation", "times": 2, "error": error}
    admin(account, "POST", "faults", {"faults": [fault]})
    assert run_module(MODULE, arguments(BACKEND))["associations"][0]["association_id"].startswith("a-")


def test_association_made_or_deleted_meanwhile_is_planned_anew(aws: Any) -> None:
    with_roles(aws)
    wanted = Request(CLUSTER, "eu-west-1", (asked(role_arn("frontend")),), "present")
    stale = plan_associations([], wanted)
    made = run_module(MODULE, arguments(BACKEND))["associations"][0]
    (updated,) = module.converge(Retried(aws.eks), stale, wanted, patience_seconds=0)
    assert (updated["association_id"], updated["role_arn"]) == (made["association_id"], role_arn("frontend"))

    stale = plan_associations([made], wanted)
    aws.eks.delete_pod_identity_association(clusterName=CLUSTER, associationId=made["association_id"])
    (created,) = module.converge(Retried(aws.eks), stale, wanted, patience_seconds=0)
    assert created["association_id"] != made["association_id"]
    assert listed(aws) == ["shop/backend"]


def test_refusal_that_planning_anew_does_not_change_is_told(aws: Any, account: str) -> None:
    with_roles(aws)
    fault = {"operation": "CreatePodIdentityAssociation", "error": {"code": "ResourceInUseException", "status": 409}}
    admin(account, "POST", "faults", {"faults": [fault]})
    wanted = Request(CLUSTER, "eu-west-1", (asked(role_arn("backend")),), "present")
    with pytest.raises(DeepobsError, match="Failed to create Pod Identity association shop/backend"):
        module.converge(Retried(aws.eks), plan_associations([], wanted), wanted, patience_seconds=60)


def test_other_failures_are_told_at_once(aws: Any, account: str) -> None:
    with_roles(aws)
    fault = {"operation": "CreatePodIdentityAssociation", "error": {"code": "AccessDeniedException", "status": 403}}
    admin(account, "POST", "faults", {"faults": [fault]})
    message = failure(BACKEND)
    assert "Failed to create Pod Identity association shop/backend" in message
    assert "Allow the caller this action" in message


def test_missing_cluster_is_told(aws: Any) -> None:
    with_roles(aws)
    with pytest.raises(ModuleFailedError, match="There is no EKS cluster 'nowhere' in this account and region"):
        run_module(MODULE, {"cluster_name": "nowhere", "associations": [BACKEND]})


def test_exact_wants_to_know_how_far_it_reaches(aws: Any) -> None:
    assert "state is exact but all of the following are missing: namespaces" in failure(BACKEND, state="exact")
