#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: xray_daemon
version_added: 0.1.0
short_description: Run the AWS X-Ray daemon on every node of a Kubernetes cluster
description:
  - Makes a namespace, a service account, a DaemonSet and a Service whose traffic stays on the node, by server-side
    apply with the field manager C(deepobs.eks).
  - Waits until every node has a daemon of this definition, and says which pod on which node fails and why.
  - Asks each daemon for the account's sampling rules, which it fetches with its own role, so that a role that does not
    let it in is found at once and not by missing traces.
notes:
  - "Kubernetes permissions: C(get), C(create), C(patch) and C(delete) of namespaces, and of service accounts, services
    and daemonsets in O(namespace); C(get) and C(list) of pods and events and C(get) of pods/log there; C(create) of
    pods/proxy for O(verify_access). O(state=absent) lists what else the namespace holds before it deletes it."
  - In check mode the API server foretells what would become of each object by a dry run. Where the namespace is not
    there yet, it is asked as if the objects were made in the namespace V(default).
  - Applications reach the daemon by C(AWS_XRAY_DAEMON_ADDRESS=xray-daemon.<namespace>:2000).
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: deepobs.eks.irsa_role
  - module: deepobs.eks.irsa_trust
  - module: deepobs.eks.eks_pod_identity_association
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  state:
    description:
      - V(present) runs the daemon.
      - V(absent) deletes what this module made and nothing else. A namespace that was there before stays, and so does
        one that holds something else by now.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: Namespace of the daemon.
    type: str
    default: xray-daemon
  service_account:
    description: Service account of the daemon.
    type: str
    default: xray-daemon
  image:
    description: Image of the daemon.
    type: str
    default: amazon/aws-xray-daemon:3.6.6
  image_pull_secrets:
    description: Secrets of O(namespace) by which a private registry lets the node in.
    type: list
    elements: str
    default: []
  region:
    description: The region whose X-Ray takes the segments. Without it the daemon asks its environment.
    type: str
  role_arn:
    description:
      - ARN of the IAM role that the service account assumes (IAM roles for service accounts). Another role starts the
        pods anew.
      - Without it the daemon has the role of a Pod Identity association, or the node's.
    type: str
  pod_security:
    description: The level of the Pod Security Standards that the namespace enforces.
    type: str
    choices: [restricted, baseline, privileged]
    default: restricted
  host_port:
    description:
      - Opens port 2000, UDP and TCP, on each node as well, for applications that send to their node's address.
      - Wants O(pod_security=privileged), for the other levels forbid it.
    type: bool
    default: false
  log_level:
    description: How much the daemon logs.
    type: str
    choices: [dev, debug, info, warn, error, prod]
    default: info
  environment:
    description: Further environment variables of the daemon.
    type: dict
    default: {}
  arguments:
    description: Arguments of the image's entry point in place of those that O(region) and O(log_level) make.
    type: list
    elements: str
  resources:
    description: Requests and limits of each pod.
    type: dict
    default:
      requests: {cpu: 50m, memory: 64Mi}
      limits: {memory: 256Mi}
  node_selector:
    description: Labels of the nodes that are to have a daemon; without it all Linux nodes but Fargate's.
    type: dict
    default: {}
  tolerations:
    description: Taints that the daemon tolerates; by default all of them, for what runs there is to be traced too.
    type: list
    elements: dict
    default:
      - operator: Exists
  priority_class:
    description: Priority class of the pods.
    type: str
  max_unavailable:
    description: How many daemons may be replaced at a time, as a number or a share of the nodes such as V(25%).
    type: str
    default: "1"
  force_conflicts:
    description: Takes over fields that another field manager has set, which otherwise fails the task by name.
    type: bool
    default: false
  wait:
    description: Waits until each node has its daemon, or until everything is gone.
    type: bool
    default: true
  wait_timeout_seconds:
    description: How long that may take.
    type: int
    default: 120
  verify_access:
    description: Fails the task where AWS does not let a daemon in. Needs O(wait=true).
    type: bool
    default: true
  access_timeout_seconds:
    description: How long AWS may take to let the daemons in, since a trust that was just given takes effect later.
    type: int
    default: 20
attributes:
  check_mode:
    description: Returns what the API server foretells and changes nothing.
    support: full
  diff_mode:
    description: Returns the objects that change, before and after, defaults of the API server included.
    support: full
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
"""

EXAMPLES = r"""
- name: Run the daemon with the role of its service account
  deepobs.eks.xray_daemon:
    region: eu-west-1
    role_arn: arn:aws:iam::123456789012:role/deepobs-xray-daemon

- name: Let applications send to their node's address as well
  deepobs.eks.xray_daemon:
    region: eu-west-1
    role_arn: arn:aws:iam::123456789012:role/deepobs-xray-daemon
    host_port: true
    pod_security: privileged

- name: Take it away
  deepobs.eks.xray_daemon:
    state: absent
"""

RETURN = r"""
objects:
  description: What became of each object.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      returned: always
      type: str
      sample: DaemonSet
    name:
      description: Its name.
      returned: always
      type: str
      sample: xray-daemon
    namespace:
      description: Its namespace, empty for a kind without.
      returned: always
      type: str
      sample: xray-daemon
    outcome:
      description: V(created), V(configured), V(deleted) or V(unchanged).
      returned: always
      type: str
      sample: created
pods:
  description: The daemons by node. Empty in check mode, without O(wait) and with O(state=absent).
  returned: always
  type: list
  elements: dict
  contains:
    node:
      description: The node.
      returned: always
      type: str
      sample: ip-10-0-1-23.eu-west-1.compute.internal
    pod:
      description: The pod.
      returned: always
      type: str
      sample: xray-daemon-x7k2p
"""

from collections.abc import Sequence
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Cluster, Manifest
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_modules import connect, kubernetes_module
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_plans import (
    ObjectChange,
    carry_out,
    describe,
    plan_absent,
    plan_present,
)
from ansible_collections.deepobs.eks.plugins.module_utils.namespaces import foreign_objects
from ansible_collections.deepobs.eks.plugins.module_utils.rollouts import (
    explain,
    is_complete,
    node_of,
    wait_for_rollout,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_access import explain_refusals, refusals
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_manifests import (
    LABELS,
    DaemonOptions,
    is_own,
    manifests,
    namespace_of,
    references,
)

ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "namespace": {"type": "str", "default": "xray-daemon"},
    "service_account": {"type": "str", "default": "xray-daemon"},
    "image": {"type": "str", "default": "amazon/aws-xray-daemon:3.6.6"},
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "region": {"type": "str"},
    "role_arn": {"type": "str"},
    "pod_security": {"type": "str", "choices": ["restricted", "baseline", "privileged"], "default": "restricted"},
    "host_port": {"type": "bool", "default": False},
    "log_level": {
        "type": "str",
        "choices": ["dev", "debug", "info", "warn", "error", "prod"],
        "default": "info",
    },
    "environment": {"type": "dict", "default": {}},
    "arguments": {"type": "list", "elements": "str"},
    "resources": {
        "type": "dict",
        "default": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    },
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": [{"operator": "Exists"}]},
    "priority_class": {"type": "str"},
    "max_unavailable": {"type": "str", "default": "1"},
    "force_conflicts": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout_seconds": {"type": "int", "default": 120},
    "verify_access": {"type": "bool", "default": True},
    "access_timeout_seconds": {"type": "int", "default": 20},
}
_SHARED = set(DaemonOptions.__dataclass_fields__)


def options_of(parameters: dict[str, Any]) -> DaemonOptions:
    """The daemon's options. Raises ValueError for those that do not go together."""
    given = {name: value for name, value in parameters.items() if name in _SHARED}
    given["environment"] = {name: str(value) for name, value in parameters["environment"].items()}
    options = DaemonOptions(**given)
    options.check()
    return options


def ensure_present(cluster: Cluster, module: Any, watch: Stopwatch) -> dict[str, Any]:
    """Runs the daemon and sees to it that it works; raises DeepobsError."""
    options, force = options_of(module.params), module.params["force_conflicts"]
    wanted = manifests(options, cluster.get(namespace_of(options)))
    changes = plan_present(cluster, wanted, force=force)
    if module.check_mode:
        return result(changes)
    carry_out(cluster, changes, force=force)
    if not module.params["wait"]:
        return result(changes)
    pods = await_daemons(cluster, options, module.params["wait_timeout_seconds"], watch, changes)
    if module.params["verify_access"]:
        refused = refusals(cluster, pods, module.params["access_timeout_seconds"], watch)
        if refused:
            raise DeepobsError(explain_refusals(refused, options), result=result(changes, pods))
    return result(changes, pods)


def await_daemons(
    cluster: Cluster,
    options: DaemonOptions,
    timeout_seconds: float,
    watch: Stopwatch,
    changes: Sequence[ObjectChange],
) -> list[Manifest]:
    """The daemons' pods once each node has one; raises DeepobsError, which says why one has none."""
    rollout = wait_for_rollout(cluster, references(options)[0], timeout_seconds, watch)
    if rollout is None:
        raise DeepobsError("The DaemonSet was deleted while it was rolled out: run again.", result=result(changes))
    if not is_complete(rollout):
        reason = explain(cluster, rollout)
        raise DeepobsError(f"The X-Ray daemon does not run everywhere: {reason}", result=result(changes))
    return rollout.pods


def ensure_absent(cluster: Cluster, module: Any, watch: Stopwatch) -> dict[str, Any]:
    """Deletes what was made; raises DeepobsError."""
    options = options_of(module.params | {"host_port": False})
    made = references(options)
    namespace = cluster.get(namespace_of(options))
    others = foreign_objects(cluster, options.namespace, made, LABELS) if namespace is not None else []
    if namespace is not None and is_own(namespace) and not others:
        made = [*made, namespace_of(options)]
    elif others and is_own(namespace):
        module.warn(f"Namespace {options.namespace} stays, for it holds {', '.join(map(str, others[:5]))}")
    changes = plan_absent(cluster, made)
    if not module.check_mode:
        carry_out(cluster, changes, force=False)
        if module.params["wait"]:
            await_end(cluster, options, changes, module.params["wait_timeout_seconds"], watch)
    return result(changes)


def await_end(
    cluster: Cluster,
    options: DaemonOptions,
    changes: Sequence[ObjectChange],
    timeout_seconds: float,
    watch: Stopwatch,
) -> None:
    """Returns once everything that was deleted is gone, pods included; raises DeepobsError."""

    def left() -> list[str]:
        gone = [change.reference for change in changes if change.changes]
        found = [str(reference) for reference in gone if cluster.get(reference) is not None]
        return found + [pod["metadata"]["name"] for pod in cluster.find("Pod", options.namespace, LABELS)]

    remaining = wait_until(left, lambda _before, now: not now, timeout_seconds, 1.0, *watch).state
    if remaining:
        raise DeepobsError(
            f"Not gone after {timeout_seconds} s: {', '.join(remaining)}. Look for finalizers and for nodes that do not"
            " answer, or give more wait_timeout_seconds.",
            result=result(changes),
        )


def result(changes: Sequence[ObjectChange], pods: Sequence[Manifest] = ()) -> dict[str, Any]:
    """What the module returns."""
    told = [{**change.reference._asdict(), "outcome": change.verb} for change in changes]
    daemons = [{"node": node_of(pod), "pod": pod["metadata"]["name"]} for pod in sorted(pods, key=node_of)]
    changed = any(change.changes for change in changes)
    return {"changed": changed, "diff": describe(changes), "objects": told, "pods": daemons}


def main() -> None:
    """Entry point of the module."""
    module = kubernetes_module(ARGUMENT_SPEC)
    ensure = ensure_present if module.params["state"] == "present" else ensure_absent
    run_module(module, lambda: ensure(connect(module), module, Stopwatch()))


if __name__ == "__main__":
    main()
