"""The control plane's parts: etcd, the API server and its controllers, and what EKS runs there beside them."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import yaml

from cluster.layout import (
    API_PORT,
    CONTROL_PLANE_ADDRESS,
    ISSUER,
    REGION,
    REGISTRY_PORT,
    SERVICE_NETWORK,
    WEBHOOK_PORT,
    Layout,
)
from cluster.namespaces import system, wait_for
from cluster.parts import Part, options

_ETCD = "http://127.0.0.1:2379"
_ETCD_PEERS = "http://127.0.0.1:2380"
_READY_SECONDS = 90.0


def prepare_network() -> None:
    """A bridge that carries the control plane's address; nodes are joined to it."""
    system("ip", "link", "add", "bridge0", "type", "bridge")
    system("ip", "address", "add", f"{CONTROL_PLANE_ADDRESS}/24", "dev", "bridge0")
    system("ip", "link", "set", "bridge0", "up")
    system("ip", "route", "add", "default", "dev", "bridge0")


def write_files(layout: Layout) -> None:
    """The parts' configuration files."""
    (layout.state / "etcd").mkdir(mode=0o700)
    registry = {
        "version": 0.1,
        "log": {"accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(layout.state / "registry")}, "delete": {"enabled": True}},
        "http": {"addr": f"{CONTROL_PLANE_ADDRESS}:{REGISTRY_PORT}"},
    }
    (layout.state / "registry.yml").write_text(yaml.safe_dump(registry))


def first_parts(layout: Layout) -> Iterator[Part]:
    """What waits for nothing; the API server itself waits for etcd."""
    yield Part("etcd", (str(layout.programs / "etcd"), *options(_etcd(layout))))
    yield Part("kube-apiserver", (str(layout.programs / "kube-apiserver"), *options(_api_server(layout))))
    # Or it would tell its traces to a collector that is not there.
    quiet = ("env", "OTEL_TRACES_EXPORTER=none", str(layout.programs / "registry"))
    yield Part("registry", (*quiet, "serve", str(layout.state / "registry.yml")))


def later_parts(layout: Layout) -> Iterator[Part]:
    """What gives up soon without an API server."""
    programs = layout.programs
    controllers = options(_controllers(layout))
    yield Part("kube-controller-manager", (str(programs / "kube-controller-manager"), *controllers))
    yield Part("kube-scheduler", (str(programs / "kube-scheduler"), *options(_scheduler(layout))))
    yield Part("podidentity", (str(programs / "podidentity"), *options(_webhook(layout))))


def wait_until_ready(layout: Layout) -> None:
    """Returns once the API server says that it is ready. Raises TimeoutError."""
    context = ssl.create_default_context(cafile=str(layout.keys / "ca.crt"))
    context.load_cert_chain(layout.keys / "admin.crt", layout.keys / "admin.key")

    def ready() -> bool:
        connection = http.client.HTTPSConnection(CONTROL_PLANE_ADDRESS, API_PORT, timeout=2, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    wait_for(ready, "the API server", _READY_SECONDS)


def _etcd(layout: Layout) -> dict[str, object]:
    return {
        "data-dir": layout.state / "etcd",
        "unsafe-no-fsync": "true",
        "listen-client-urls": _ETCD,
        "advertise-client-urls": _ETCD,
        "listen-peer-urls": _ETCD_PEERS,
        "initial-advertise-peer-urls": _ETCD_PEERS,
        "initial-cluster": f"default={_ETCD_PEERS}",
    }


def _api_server(layout: Layout) -> dict[str, object]:
    keys = layout.keys
    return {
        "etcd-servers": _ETCD,
        "bind-address": "0.0.0.0",
        "secure-port": API_PORT,
        "advertise-address": CONTROL_PLANE_ADDRESS,
        "tls-cert-file": keys / "api-server.crt",
        "tls-private-key-file": keys / "api-server.key",
        "client-ca-file": keys / "ca.crt",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-cluster-ip-range": SERVICE_NETWORK,
        "kubelet-client-certificate": keys / "api-server-to-kubelet.crt",
        "kubelet-client-key": keys / "api-server-to-kubelet.key",
        "kubelet-certificate-authority": keys / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        **_tokens(keys),
        **_aggregation(keys),
    }


def _tokens(keys: Path) -> dict[str, object]:
    return {
        "service-account-issuer": ISSUER,
        "service-account-jwks-uri": f"{ISSUER}/keys",
        "service-account-key-file": keys / "service-accounts.pub",
        "service-account-signing-key-file": keys / "service-accounts.key",
        "api-audiences": "https://kubernetes.default.svc",
    }


def _aggregation(keys: Path) -> dict[str, object]:
    """What extension API servers, such as metrics-server, know callers by."""
    return {
        "requestheader-client-ca-file": keys / "front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": keys / "front-proxy.crt",
        "proxy-client-key-file": keys / "front-proxy.key",
        "enable-aggregator-routing": "true",
    }


def _client(layout: Layout, name: str) -> dict[str, object]:
    file = layout.keys / f"{name}.kubeconfig"
    return {"kubeconfig": file, "authentication-kubeconfig": file, "authorization-kubeconfig": file}


def _controllers(layout: Layout) -> dict[str, object]:
    return {
        **_client(layout, "kube-controller-manager"),
        "service-account-private-key-file": layout.keys / "service-accounts.key",
        "root-ca-file": layout.keys / "ca.crt",
        "cluster-signing-cert-file": layout.keys / "ca.crt",
        "cluster-signing-key-file": layout.keys / "ca.key",
        "use-service-account-credentials": "true",
        "allocate-node-cidrs": "false",
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        # A test should not wait for what guards a production cluster against haste.
        "horizontal-pod-autoscaler-sync-period": "5s",
        "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
        "horizontal-pod-autoscaler-cpu-initialization-period": "10s",
    }


def _scheduler(layout: Layout) -> dict[str, object]:
    return {**_client(layout, "kube-scheduler"), "leader-elect": "false", "bind-address": "127.0.0.1"}


def _webhook(layout: Layout) -> dict[str, object]:
    return {
        "kubeconfig": layout.keys / "pod-identity-webhook.kubeconfig",
        "listen": f"127.0.0.1:{WEBHOOK_PORT}",
        "certificate": layout.keys / "webhook.crt",
        "key": layout.keys / "webhook.key",
        "region": REGION,
    }
