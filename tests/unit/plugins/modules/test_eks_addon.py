"""eks_addon against an account: versions, configuration, permissions, tags, and what is refused beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.admin import Admin
from support.documented import differences, return_documentation
from support.localaws import localaws_server
from support.module_cycle import ModuleFailedError, run_cycle, run_module

CLUSTER = "deepobs-local"
NAME = "amazon-cloudwatch-observability"
PINNED = "v4.10.4-eksbuild.1"
DEFAULT = "v6.2.0-eksbuild.1"
QUIET = {"containerLogs": {"enabled": False}}


_OF_THE_TASK = ("cluster_name", "state", "tags", "purge_tags", "wait", "degraded", "degraded_grace_seconds")
pytestmark = pytest.mark.usefixtures("account")


def arguments(*others: dict[str, Any], **more: Any) -> dict[str, Any]:
    """For one add-on, with what is given of it or of the task; and others."""
    task = {name: more.pop(name) for name in _OF_THE_TASK if name in more}
    return {"cluster_name": CLUSTER, "addons": [{"name": NAME, **more}, *others], "wait_timeout": 30, **task}


@pytest.fixture(scope="module")
def role_arn() -> str:
    return "arn:aws:iam::123456789012:role/cloudwatch-agent"


@pytest.fixture
def role(aws: Any, role_arn: str) -> str:
    """The agent's role; what it trusts is of no account here."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    statement = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": actions}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.iam.create_role(RoleName="cloudwatch-agent", AssumeRolePolicyDocument=document)
    return role_arn


def described(aws: Any) -> Any:
    return aws.eks.describe_addon(clusterName=CLUSTER, addonName=NAME)["addon"]


def test_an_addon_is_installed_and_active(aws: Any, role: str) -> None:
    options = arguments(version=PINNED, configuration=QUIET, service_account_role_arn=role, tags={"team": "shop"})

    addon = run_cycle("eks_addon", options).done["addons"][0]

    there = described(aws)
    assert (there["status"], there["addonVersion"], there["serviceAccountRoleArn"]) == ("ACTIVE", PINNED, role)
    assert (json.loads(there["configurationValues"]), there["tags"]) == (QUIET, {"team": "shop"})
    assert (addon["status"], addon["configuration"], addon["addon_arn"]) == ("ACTIVE", QUIET, there["addonArn"])


def test_what_comes_back_is_documented(role: str) -> None:
    documented = return_documentation("eks_addon")
    options = arguments(pod_identity_associations=[{"service_account": "cloudwatch-agent", "role_arn": role}])

    assert differences(documented, run_module("eks_addon", options, check=True)) == []
    assert differences(documented, run_module("eks_addon", options)) == []
    assert differences(documented, run_module("eks_addon", arguments(state="absent"))) == []


def test_an_addon_is_removed() -> None:
    run_module("eks_addon", arguments())

    assert run_cycle("eks_addon", arguments(state="absent")).done["addons"] == []


def test_absent_from_a_cluster_that_is_gone_is_nothing_to_do() -> None:
    assert not run_module("eks_addon", arguments(state="absent", cluster_name="gone"))["changed"]


@pytest.mark.parametrize(("asked", "installed"), [("default", DEFAULT), ("latest", DEFAULT), (PINNED, PINNED)])
def test_a_version_is_found(asked: str, installed: str) -> None:
    assert run_cycle("eks_addon", arguments(version=asked)).done["addons"][0]["addon_version"] == installed


def test_without_a_version_the_installed_one_stays() -> None:
    run_module("eks_addon", arguments(version=PINNED))

    assert run_cycle("eks_addon", arguments(configuration=QUIET)).done["addons"][0]["addon_version"] == PINNED


def test_an_upgrade_keeps_configuration_role_and_tags(aws: Any, role: str) -> None:
    kept = {"configuration": QUIET, "service_account_role_arn": role, "tags": {"team": "shop"}}
    run_module("eks_addon", arguments(version=PINNED, **kept))

    upgraded = run_cycle("eks_addon", arguments(version=DEFAULT)).done

    assert {key: upgraded["addons"][0][key] for key in kept} == kept
    assert [upgraded["diff"][side][NAME]["addon_version"] for side in ("before", "after")] == [PINNED, DEFAULT]


def test_configuration_stored_as_yaml_is_the_same(aws: Any) -> None:
    values = "# by hand\ncontainerLogs:\n  enabled: no\n"
    aws.eks.create_addon(clusterName=CLUSTER, addonName=NAME, configurationValues=values)

    assert not run_module("eks_addon", arguments(configuration=QUIET))["changed"]


def test_empty_configuration_removes_it(aws: Any) -> None:
    run_module("eks_addon", arguments(configuration=QUIET))

    assert run_cycle("eks_addon", arguments(configuration={})).done["addons"][0]["configuration"] == {}


def test_pod_identity_takes_the_place_of_the_role(aws: Any, role: str) -> None:
    run_module("eks_addon", arguments(service_account_role_arn=role))
    associations = [{"service_account": "cloudwatch-agent", "role_arn": role}]

    addon = run_cycle("eks_addon", arguments(pod_identity_associations=associations)).done["addons"][0]

    assert (addon["pod_identity_associations"], addon["service_account_role_arn"]) == (associations, None)
    assert not run_module("eks_addon", arguments())["changed"]


def test_no_associations_removes_them(role: str) -> None:
    associations = [{"service_account": "cloudwatch-agent", "role_arn": role}]
    run_module("eks_addon", arguments(pod_identity_associations=associations))

    assert run_cycle("eks_addon", arguments(pod_identity_associations=[])).done["addons"][0]["tags"] == {}


def test_tags_change_without_an_update(aws: Any) -> None:
    run_module("eks_addon", arguments(tags={"team": "shop", "stage": "test"}))
    updates = aws.eks.list_updates(name=CLUSTER, addonName=NAME)["updateIds"]

    run_cycle("eks_addon", arguments(tags={"team": "web"}))

    assert described(aws)["tags"] == {"team": "web"}
    assert aws.eks.list_updates(name=CLUSTER, addonName=NAME)["updateIds"] == updates


def test_tags_that_are_not_purged_stay(aws: Any) -> None:
    run_module("eks_addon", arguments(tags={"stage": "test"}))

    run_cycle("eks_addon", arguments(tags={"team": "web"}, purge_tags=False))

    assert described(aws)["tags"] == {"team": "web", "stage": "test"}


def test_what_eks_is_at_is_waited_for_first(aws: Any) -> None:
    aws.eks.create_addon(clusterName=CLUSTER, addonName=NAME)

    done = run_module("eks_addon", arguments(configuration=QUIET))

    assert (done["changed"], done["addons"][0]["status"]) == (True, "ACTIVE")


def test_an_unchanged_addon_is_waited_for_as_well(aws: Any) -> None:
    aws.eks.create_addon(clusterName=CLUSTER, addonName=NAME)

    done = run_module("eks_addon", arguments())

    assert (done["changed"], done["addons"][0]["status"]) == (False, "ACTIVE")


def test_an_addon_being_deleted_is_created_again(aws: Any) -> None:
    run_module("eks_addon", arguments())
    aws.eks.delete_addon(clusterName=CLUSTER, addonName=NAME)

    assert run_module("eks_addon", arguments())["changed"]
    assert described(aws)["status"] == "ACTIVE"


def test_without_waiting_it_returns_at_once(tmp_path: Path) -> None:
    slowly = {"transition_seconds": 600, "clusters": [{"name": CLUSTER}]}
    with localaws_server(tmp_path, slowly) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        assert run_module("eks_addon", arguments(wait=False))["addons"][0]["status"] == "CREATING"


REFUSED = {
    "a missing cluster": ({"cluster_name": "gone"}, "no EKS cluster 'gone'.*cluster_name"),
    "a missing add-on": ({"name": "no-such-addon"}, "no add-on 'no-such-addon' for Kubernetes 1.35"),
    "a missing version": ({"version": "v0.0.1-eksbuild.1"}, f"'v0.0.1-eksbuild.1' is none .*{DEFAULT}"),
    "an unknown key": ({"configuration": {"containerLog": {}}}, "configuration: .*containerLog.*unexpected"),
    "a wrong type": ({"configuration": {"containerLogs": {"enabled": "often"}}}, "configuration.containerLogs.enabled"),
    "an unknown service account": (
        {"pod_identity_associations": [{"service_account": "nobody", "role_arn": "arn:aws:iam::1:role/r"}]},
        "no service account 'nobody'.* It has: cloudwatch-agent",
    ),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(
    aws: Any, options: dict[str, Any], message: str, check: bool
) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        run_module("eks_addon", arguments(**options), check=check)

    assert aws.eks.list_addons(clusterName=CLUSTER)["addons"] == []


def test_check_mode_plans_with_a_role_that_is_still_to_be_made() -> None:
    planned = run_module(
        "eks_addon", arguments(service_account_role_arn="arn:aws:iam::123456789012:role/new"), check=True
    )

    assert planned["addons"][0]["service_account_role_arn"] == "arn:aws:iam::123456789012:role/new"


def test_a_list_of_addons_is_kept_in_one_task(aws: Any, role: str) -> None:
    others = {"name": "coredns", "configuration": {"replicaCount": 3}}, {"name": "vpc-cni", "version": "default"}
    options = arguments(*others, service_account_role_arn="cloudwatch-agent")

    cycle = run_cycle("eks_addon", options)

    assert [addon["addon_name"] for addon in cycle.done["addons"]] == [NAME, "coredns", "vpc-cni"]
    assert {addon["status"] for addon in cycle.done["addons"]} == {"ACTIVE"}
    assert sorted(cycle.done["diff"]["after"]) == [NAME, "coredns", "vpc-cni"]
    assert described(aws)["serviceAccountRoleArn"] == role
    gone = run_cycle("eks_addon", arguments({"name": "coredns"}, {"name": "vpc-cni"}, state="absent")).done
    assert gone["addons"] == []


def test_all_that_cannot_be_is_told_at_once_and_nothing_written(aws: Any) -> None:
    others = {"name": "coredns", "version": "v0"}, {"name": "kube-proxy"}

    with pytest.raises(ModuleFailedError, match=r"2 of 3 add-ons failed:\n.*containerLog.*\n.*'v0' is none") as failed:
        run_module("eks_addon", arguments(*others, configuration={"containerLog": {}}))

    assert failed.value.result["changed"] is False
    assert aws.eks.list_addons(clusterName=CLUSTER)["addons"] == []


def test_an_addon_that_is_given_twice_is_refused(account: str) -> None:
    with pytest.raises(ModuleFailedError, match=f"{NAME} is given more than once"):
        run_module("eks_addon", arguments({"name": NAME}))


def test_a_role_and_associations_exclude_each_other(account: str) -> None:
    associations = [{"service_account": "cloudwatch-agent", "role_arn": "r"}]

    with pytest.raises(ModuleFailedError, match="mutually exclusive"):
        run_module("eks_addon", arguments(service_account_role_arn="r", pod_identity_associations=associations))


def test_an_empty_role_takes_the_role_away(aws: Any, role: str) -> None:
    run_module("eks_addon", arguments(service_account_role_arn=role))

    run_cycle("eks_addon", arguments(service_account_role_arn=""))

    assert "serviceAccountRoleArn" not in described(aws)


def test_published_defaults_make_no_difference(aws: Any) -> None:
    run_module("eks_addon", arguments(version=PINNED))

    assert not run_module("eks_addon", arguments(configuration={"containerLogs": {"enabled": True}}))["changed"]


def test_an_upgrade_tells_which_defaults_change() -> None:
    run_module("eks_addon", arguments(version=PINNED))

    upgraded = run_cycle("eks_addon", arguments(version="v5.0.0")).done

    path = "manager.applicationSignals.autoMonitor.monitorAllServices"
    assert upgraded["addons"][0]["changed_defaults"] == {path: {"before": False, "after": True}}
    assert [upgraded["diff"][side][NAME]["defaults"][path] for side in ("before", "after")] == [False, True]
    assert any(f"{path} from False to True" in str(warning) for warning in upgraded["warnings"])
    assert differences(return_documentation("eks_addon"), upgraded) == []


ISSUE = {"code": "InsufficientNumberOfReplicas", "message": "0 of 1", "resourceIds": ["agent"]}
CONFLICT = {"code": "ConfigurationConflict", "message": "Conflicts found"}


def test_a_creation_that_fails_is_told_with_its_remedy_and_repaired_by_the_next_run(account: str) -> None:
    outcome = {"addon": NAME, "change": "create", "addon_status": "CREATE_FAILED", "issues": [CONFLICT]}
    options = arguments({"name": "coredns"}, version=PINNED)
    with (
        Admin(account).outcomes(outcome),
        pytest.raises(ModuleFailedError, match=r"CREATE_FAILED: ConfigurationConflict \(Conf.*resolve_conf") as failed,
    ):
        run_module("eks_addon", options)
    told = failed.value.result
    assert (told["changed"], [addon["status"] for addon in told["addons"]]) == (True, ["CREATE_FAILED", "ACTIVE"])
    assert "resolve_conflicts" in told["addons"][0]["health"]["issues"][0]["remedy"]

    run_cycle("eks_addon", options)

    run_module("eks_addon", arguments({"name": "coredns"}, state="absent"))


def test_an_update_that_fails_is_told_and_tried_again_by_the_next_run(aws: Any, account: str) -> None:
    run_module("eks_addon", arguments(version=PINNED))
    error = {"errorCode": "AdmissionRequestDenied", "errorMessage": "denied by a webhook"}
    outcome = {"change": "update", "addon_status": "UPDATE_FAILED", "update_status": "Failed", "errors": [error]}
    with (
        Admin(account).outcomes(outcome),
        pytest.raises(
            ModuleFailedError, match=r"UPDATE_FAILED, its update is Failed: AdmissionRequestDenied .*webhook"
        ),
    ):
        run_module("eks_addon", arguments(version=DEFAULT))
    assert described(aws)["status"] == "UPDATE_FAILED"

    run_cycle("eks_addon", arguments(version=DEFAULT))


def test_a_failed_update_is_tried_again_though_nothing_else_differs(aws: Any, account: str) -> None:
    run_module("eks_addon", arguments(version=PINNED))
    outcome = {"change": "update", "addon_status": "UPDATE_FAILED", "update_status": "Failed"}
    with Admin(account).outcomes(outcome), pytest.raises(ModuleFailedError, match="UPDATE_FAILED"):
        run_module("eks_addon", arguments(configuration=QUIET))

    run_cycle("eks_addon", arguments())


def test_a_failed_update_whose_addon_heals_is_a_warning(account: str) -> None:
    run_module("eks_addon", arguments(version=PINNED))
    outcome = {
        "change": "update",
        "addon_status": "DEGRADED",
        "issues": [ISSUE],
        "update_status": "Failed",
        "errors": [{"errorCode": "InsufficientNumberOfReplicas", "errorMessage": "0 of 1"}],
        "heals_after_seconds": 0.4,
    }
    with Admin(account).outcomes(outcome):
        done = run_module("eks_addon", arguments(version="v5.0.0", degraded="accept"))

    assert (done["addons"][0]["status"], done["addons"][0]["addon_version"]) == ("ACTIVE", "v5.0.0-eksbuild.1")
    assert any("its update is Failed: InsufficientNumberOfReplicas" in str(warning) for warning in done["warnings"])


@pytest.mark.parametrize(("degraded", "warned"), [("warn", True), ("accept", False)])
def test_a_degraded_addon_is_what_the_task_takes_it_for(account: str, degraded: str, warned: bool) -> None:
    outcome = {"change": "create", "addon_status": "DEGRADED", "issues": [ISSUE]}
    with Admin(account).outcomes(outcome):
        done = run_module("eks_addon", arguments(degraded=degraded, degraded_grace_seconds=0))

    assert done["addons"][0]["health"]["issues"][0]["resource_ids"] == ["agent"]
    assert any("no ready node" in str(warning) for warning in done.get("warnings", [])) == warned


def test_a_degraded_addon_fails_the_task_also_where_nothing_changes(account: str) -> None:
    options = arguments(degraded_grace_seconds=0)
    with Admin(account).outcomes({"change": "create", "addon_status": "DEGRADED", "issues": [ISSUE]}):
        for _run in range(2):
            with pytest.raises(ModuleFailedError, match=r"DEGRADED: InsufficientNumberOfReplicas.*set degraded to"):
                run_module("eks_addon", options)


def test_a_degraded_addon_that_heals_in_time_is_well(account: str) -> None:
    outcome = {"change": "create", "addon_status": "DEGRADED", "issues": [ISSUE], "heals_after_seconds": 0.5}
    with Admin(account).outcomes(outcome):
        done = run_module("eks_addon", arguments())

    assert (done["addons"][0]["status"], done.get("warnings", [])) == ("ACTIVE", [])


def test_a_removal_that_fails_is_told_and_tried_again_by_the_next_run(account: str) -> None:
    run_module("eks_addon", arguments())
    with (
        Admin(account).outcomes({"change": "delete", "addon_status": "DELETE_FAILED", "issues": [CONFLICT]}),
        pytest.raises(ModuleFailedError, match="DELETE_FAILED: ConfigurationConflict"),
    ):
        run_module("eks_addon", arguments(state="absent"))

    run_cycle("eks_addon", arguments(state="absent"))


def test_a_creation_whose_reply_is_lost_is_recognised(account: str) -> None:
    fault = {"operation": "CreateAddon", "times": 1, "withhold_reply": True}
    with Admin(account).faults(fault):
        done = run_module("eks_addon", {**arguments(), "aws_config": {"read_timeout": 1}})

    assert (done["changed"], done["addons"][0]["status"]) == (True, "ACTIVE")
    assert not run_module("eks_addon", arguments())["changed"]


def test_a_change_of_somebody_else_that_came_between_is_waited_for(aws: Any, account: str) -> None:
    run_module("eks_addon", arguments(version=PINNED))
    fault = {"operation": "UpdateAddon", "times": 1, "error": {"code": "ResourceInUseException", "status": 409}}

    with Admin(account).faults(fault):
        done = run_module("eks_addon", arguments(version=DEFAULT))

    assert (done["changed"], described(aws)["addonVersion"]) == (True, DEFAULT)


def test_an_upgrade_whose_kept_configuration_does_not_fit_is_refused(aws: Any) -> None:
    run_module("eks_addon", arguments(version=DEFAULT, configuration={"otelContainerInsights": {"enabled": True}}))

    with pytest.raises(ModuleFailedError, match=r"present configuration, .*otelContainerInsights.*was unexpected"):
        run_module("eks_addon", arguments(version=PINNED))

    assert described(aws)["addonVersion"] == DEFAULT
