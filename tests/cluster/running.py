"""A cluster as its tests use it: clients of its API, and namespaces in which pods of the probe image run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client

from cluster.images import PROBE
from cluster.processes import environment

_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """The API by kubectl and by the Python client; the image that pods of the tests run."""

    kubeconfig: Path
    kubectl_program: Path
    api: Any
    probe_image: str = PROBE.name

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """What kubectl prints. Raises AssertionError with its words where it fails."""
        done = self.try_kubectl(*arguments, given=given)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def try_kubectl(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(self.kubectl_program), f"--kubeconfig={self.kubeconfig}", *arguments]
        env = environment()
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120, env=env)

    def apply(self, *documents: Mapping[str, Any]) -> None:
        self.kubectl("apply", "--server-side", "--filename=-", given=yaml.safe_dump_all(documents))

    @contextmanager
    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> Iterator[Namespace]:
        """A namespace that is there while the block runs."""
        metadata = client.V1ObjectMeta(generate_name=f"{name}-", labels=dict(labels or {}))
        made = self.core.create_namespace(client.V1Namespace(metadata=metadata)).metadata.name

        def has_account() -> bool:
            return bool(self.core.read_namespaced_service_account("default", made))

        eventually(has_account, "the namespace's service account")
        try:
            yield Namespace(self, made)
        finally:
            self.core.delete_namespace(made)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Makes pods in one namespace, and runs the probe in them."""

    cluster: RunningCluster
    name: str

    def pod(self, name: str, *arguments: str, **more: Any) -> dict[str, Any]:
        """A pod's manifest as `restricted` wants it; `more` are fields of its spec, its labels and its container's."""
        container = {
            "name": "probe",
            "image": self.cluster.probe_image,
            "args": list(arguments or ("sleep",)),
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}},
            **more.pop("container", {}),
        }
        metadata = {"name": name, "namespace": self.name, "labels": {"app": name, **more.pop("labels", {})}}
        security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0, **more}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def service(self, name: str, port: int, **more: Any) -> dict[str, Any]:
        """A Service's manifest that selects the pods of its name."""
        metadata = {"name": name, "namespace": self.name}
        spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": port}], **more}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def run(self, *pods: Mapping[str, Any]) -> None:
        """Makes pods and returns when they are ready."""
        self.cluster.apply(*pods)
        names = [f"pod/{pod['metadata']['name']}" for pod in pods]
        self.cluster.kubectl("wait", "--namespace", self.name, "--for=condition=Ready", "--timeout=60s", *names)

    def probe(self, pod: str, *arguments: str) -> str:
        """What the probe prints in a pod. Raises AssertionError where it fails."""
        return self.cluster.kubectl("exec", "--namespace", self.name, pod, "--", "/probe", *arguments)

    def address(self, pod: str) -> str:
        address: str = self.cluster.core.read_namespaced_pod(pod, self.name).status.pod_ip
        return address


def eventually(holds: Callable[[], bool], what: str, timeout_seconds: float = _PATIENCE_SECONDS) -> None:
    """Returns once something holds; what the API or the probe refuses meanwhile does not. Raises AssertionError."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            if holds():
                return
            last = "it does not hold"
        except (client.ApiException, AssertionError) as error:
            last = str(error)
        assert time.monotonic() < deadline, f"{what}, not within {timeout_seconds:.0f} s: {last}"
        time.sleep(0.2)
