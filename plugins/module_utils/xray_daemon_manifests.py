# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The X-Ray daemon as Kubernetes objects: one pod a node, reached by the pods of its own node. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Manifest, Reference

NAME = "xray-daemon"
PORT = 2000
# The image's own user (aws-xray-daemon's Dockerfile).
_USER_ID = 10001
LABELS = {"app.kubernetes.io/name": NAME}
MANAGED = {"app.kubernetes.io/managed-by": "deepobs.eks"}
_PRIVILEGED = "privileged"
_LEVEL = "pod-security.kubernetes.io/enforce"
_MADE_BY = "deepobs.eks/made-by"


@dataclass(frozen=True)
class DaemonOptions:
    """How the daemon is to run; the module's documentation says what each is."""

    namespace: str
    service_account: str
    image: str
    region: str | None = None
    role_arn: str | None = None
    pod_security: str = "restricted"
    host_port: bool = False
    log_level: str = "info"
    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] | None = None
    image_pull_secrets: list[str] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: list[dict[str, Any]] = field(default_factory=list)
    priority_class: str | None = None
    max_unavailable: str = "1"

    def check(self) -> None:
        """Raises ValueError for options that do not go together, with the remedy."""
        if self.host_port and self.pod_security != _PRIVILEGED:
            raise ValueError(
                f"host_port opens port {PORT} of each node, which Pod Security {self.pod_security!r} forbids to the"
                f" pods of namespace {self.namespace}: leave host_port out, for the Service reaches the node's own"
                " daemon without it, or allow the namespace more with pod_security=privileged."
            )


def references(options: DaemonOptions) -> list[Reference]:
    """What the daemon consists of, without its namespace, in the order in which it goes."""
    named = [("DaemonSet", NAME), ("Service", NAME), ("ServiceAccount", options.service_account)]
    return [Reference(kind, name, options.namespace) for kind, name in named]


def namespace_of(options: DaemonOptions) -> Reference:
    """The namespace that the daemon lives in."""
    return Reference("Namespace", options.namespace)


def is_own(namespace: Manifest | None) -> bool:
    """Whether a namespace was made for the daemon, or is to be."""
    return namespace is None or _MADE_BY in namespace["metadata"].get("annotations", {})


def manifests(options: DaemonOptions, namespace: Manifest | None) -> list[Manifest]:
    """The daemon's objects in the order in which they are made; `namespace` is as it is now, None where it is not."""
    made = _namespace(options, own=is_own(namespace))
    return [made, _service_account(options), _service(options), _daemon_set(options)]


def _metadata(options: DaemonOptions, name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": options.namespace, "labels": LABELS | MANAGED, **more}


def _namespace(options: DaemonOptions, *, own: bool) -> Manifest:
    """One that was there before is only held to its Pod Security level; what is made is marked, so that it can go."""
    metadata: dict[str, Any] = {"name": options.namespace, "labels": {_LEVEL: options.pod_security}}
    if own:
        metadata |= {"labels": metadata["labels"] | MANAGED, "annotations": {_MADE_BY: "deepobs.eks.xray_daemon"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _service_account(options: DaemonOptions) -> Manifest:
    """Its token for the Kubernetes API is not mounted: the daemon asks AWS alone, by a token of its own audience."""
    role = {"annotations": {"eks.amazonaws.com/role-arn": options.role_arn}} if options.role_arn else {}
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(options, options.service_account, **role),
        "automountServiceAccountToken": False,
    }


def _service(options: DaemonOptions) -> Manifest:
    """Node-local: a segment never leaves the node that it was made on."""
    ports = [("segments", "UDP"), ("sampling", "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(options, NAME),
        "spec": {
            "selector": LABELS,
            "internalTrafficPolicy": "Local",
            "ports": [
                {"name": name, "port": PORT, "targetPort": PORT, "protocol": protocol} for name, protocol in ports
            ],
        },
    }


def _daemon_set(options: DaemonOptions) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _metadata(options, NAME),
        "spec": {
            "selector": {"matchLabels": LABELS},
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": _number_or_share(options.max_unavailable)},
            },
            "template": {"metadata": _template_metadata(options), "spec": _pod(options)},
        },
    }


def _template_metadata(options: DaemonOptions) -> dict[str, Any]:
    """A role is given to a pod when it starts, so another role has to start the pods anew."""
    annotations = {"annotations": {"deepobs.eks/role-arn": options.role_arn}} if options.role_arn else {}
    return {"labels": LABELS | MANAGED, **annotations}


def _pod(options: DaemonOptions) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "serviceAccountName": options.service_account,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER_ID,
            "runAsGroup": _USER_ID,
            "fsGroup": _USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": _nowhere_without_daemon_sets(),
        "tolerations": options.tolerations,
        "containers": [_container(options)],
    }
    if options.node_selector:
        pod["nodeSelector"] = options.node_selector
    if options.priority_class:
        pod["priorityClassName"] = options.priority_class
    if options.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    return pod


def _container(options: DaemonOptions) -> dict[str, Any]:
    host = {"hostPort": PORT} if options.host_port else {}
    return {
        "name": NAME,
        "image": options.image,
        "args": _arguments(options),
        "env": [{"name": name, "value": value} for name, value in sorted(_environment(options).items())],
        "ports": [
            {"name": "segments", "containerPort": PORT, "protocol": "UDP", **host},
            {"name": "sampling", "containerPort": PORT, "protocol": "TCP", **host},
        ],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 20, "failureThreshold": 3},
        "resources": options.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _arguments(options: DaemonOptions) -> list[str]:
    """Those of the image's entry point; `--local-mode` asks no node's metadata, which pods had better not reach."""
    if options.arguments is not None:
        return options.arguments
    region = ["--region", options.region] if options.region else []
    return ["--local-mode", *region, "--log-level", options.log_level]


def _environment(options: DaemonOptions) -> dict[str, str]:
    region = {"AWS_REGION": options.region} if options.region else {}
    return region | options.environment


def _nowhere_without_daemon_sets() -> dict[str, Any]:
    """Linux, and not Fargate, whose nodes take no DaemonSets."""
    wanted = [
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]},
    ]
    terms = {"nodeSelectorTerms": [{"matchExpressions": wanted}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def _number_or_share(value: str) -> int | str:
    return int(value) if value.isdecimal() else value
