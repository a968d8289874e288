# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One way to call Kubernetes: absent things as None, every other failure with a name and a remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

# AnsibleK8SModule reports the missing library before anything here runs.
with suppress(ImportError):
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

FIELD_MANAGER = "deepobs.eks"

Manifest = dict[str, Any]

# Where each kind that this collection makes lies in the API.
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
}
_REMEDIES = {
    401: "Give credentials that the cluster takes: kubeconfig, context or api_key.",
    403: "Allow the caller this verb in the cluster, as the message names it, or give an EKS access entry that does.",
    429: "The API server is busy: run again later.",
}


class Reference(NamedTuple):
    """Which object: its kind, name and namespace, which is empty for a kind without."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def reference_of(manifest: Mapping[str, Any]) -> Reference:
    """Of a manifest or an object."""
    metadata = manifest["metadata"]
    return Reference(manifest["kind"], metadata["name"], metadata.get("namespace", ""))


class KubernetesError(DeepobsError):
    """What the API server refused: `status` is HTTP's, 0 where it could not be reached; `said` is its own message."""

    def __init__(self, message: str, status: int = 0, said: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Cluster:
    """A cluster's API server, by the API client of kubernetes.core's options."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, wanted: Reference) -> Manifest | None:
        """The object; None where it, or its namespace, is not there."""
        return self._found("GET", _path_of(wanted), f"read {wanted}")

    def find(self, kind: str, namespace: str, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """The objects of a kind in a namespace, those with all these labels."""
        selector = ",".join(f"{name}={value}" for name, value in (labels or {}).items())
        query = {"labelSelector": selector} if selector else {}
        found = self._found("GET", _PATHS[kind].format(namespace=namespace), f"list {kind} in {namespace}", query)
        return [] if found is None else list(found["items"])

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> Manifest:
        """Server-side apply; the object as it then is. With `force` fields of other managers are taken over."""
        wanted = reference_of(manifest)
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower(), **_dry_run(dry_run)}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        return self._called("PATCH", _path_of(wanted), f"apply {wanted}", query, manifest, headers)

    def try_create(self, manifest: Manifest) -> Manifest:
        """What creating an object would make of it, by a dry run."""
        wanted = reference_of(manifest)
        path = _PATHS[wanted.kind].format(namespace=wanted.namespace)
        return self._called("POST", path, f"try {wanted}", _dry_run(True), manifest)

    def delete(self, wanted: Reference) -> None:
        """Deletes an object and what it owns, and returns at once; nothing where it is not there."""
        self._found("DELETE", _path_of(wanted), f"delete {wanted}", {"propagationPolicy": "Background"})

    def log(self, pod: Reference, lines: int, *, previous: bool = False) -> str:
        """The last lines that a pod has written; empty where there are none to be had."""
        query = {"tailLines": str(lines), "previous": str(previous).lower()}
        with suppress(KubernetesError):
            return self._text("GET", f"{_path_of(pod)}/log", f"read the log of {pod}", query)
        return ""

    def post_to_pod(self, pod: Reference, port: int, path: str, body: Manifest) -> str:
        """The answer of a pod's own HTTP server, through the API server's proxy. Raises KubernetesError."""
        proxied = f"{_path_of(pod)}:{port}/proxy/{path}"
        return self._text("POST", proxied, f"ask {pod} for {path}", {}, body)

    def _found(self, method: str, path: str, purpose: str, query: Mapping[str, str] | None = None) -> Manifest | None:
        try:
            return self._called(method, path, purpose, query or {})
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def _called(self, *arguments: Any) -> Manifest:
        answered: Manifest = json.loads(self._text(*arguments))
        return answered

    def _text(
        self,
        method: str,
        path: str,
        purpose: str,
        query: Mapping[str, str],
        body: Manifest | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        sent = {"Accept": "application/json, */*", "Content-Type": "application/json", **(headers or {})}
        try:
            answer = self._client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params=sent,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
            )
        except ApiException as error:
            raise _refused(purpose, error) from error
        except HTTPError as error:
            raise KubernetesError(
                f"Failed to {purpose}: the API server cannot be reached ({error}). Give kubeconfig and context of a"
                " cluster that runs, and look whether this machine may reach it."
            ) from error
        return str(answer.data.decode("utf-8", "replace"))


def _path_of(wanted: Reference) -> str:
    return f"{_PATHS[wanted.kind].format(namespace=wanted.namespace)}/{wanted.name}"


def _dry_run(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _refused(purpose: str, error: ApiException) -> KubernetesError:
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
    said = body or str(error.reason)
    with suppress(ValueError, TypeError, KeyError):
        said = json.loads(body)["message"]
    status = int(error.status or 0)
    remedy = _REMEDIES.get(status, "")
    return KubernetesError(f"Failed to {purpose}: {said.strip().rstrip('.')}. {remedy}".rstrip(), status, said)
