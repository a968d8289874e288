"""A node's parts: containerd, kubelet, kube-proxy and the enforcer of NetworkPolicies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from cluster import cgroups
from cluster.images import PAUSE
from cluster.layout import (
    CONTROL_PLANE_ADDRESS,
    DNS_ADDRESS,
    POD_NETWORK,
    REGISTRY_PORT,
    Layout,
    Node,
)
from cluster.namespaces import join_from_inside, setting, system, wait_for
from cluster.parts import Part

# Fixed places that two kubelets, or two containerds, would share: each node sees an empty folder of its own there.
_PRIVATE_FOLDERS: Final = ("/var/lib", "/var/log")
CNI_PLUGINS: Final = ("/usr/lib/cni", "/opt/cni/bin")
_RUNTIME = "io.containerd.grpc.v1.cri"
_STARTS_WITHIN_SECONDS = 30.0


def write_files(layout: Layout, node: Node, registry_name: str) -> None:
    """The configuration files of a node's parts; pods name the registry as the machine does."""
    folder = layout.node(node)
    certificates = folder / "certificates" / registry_name
    for made in (folder / "cni", certificates, *(_private(layout, node, name) for name in _PRIVATE_FOLDERS)):
        made.mkdir(parents=True)
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_cni(node)))
    (folder / "containerd.toml").write_text(_containerd(layout, node))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(layout, node)))
    (folder / "kube-proxy.yaml").write_text(yaml.safe_dump(_proxy(layout, node)))
    (folder / "resolv.conf").write_text("# names outside the cluster are not known\n")
    registry = f"http://{CONTROL_PLANE_ADDRESS}:{REGISTRY_PORT}"
    (certificates / "hosts.toml").write_text(
        f'server = "{registry}"\n[host."{registry}"]\n  capabilities = ["pull", "resolve"]\n'
    )


def prepare(layout: Layout, node: Node) -> None:
    """Sets up what a node's namespaces have beside those of every part. Called in them."""
    for name in _PRIVATE_FOLDERS:
        system("mount", "--bind", str(_private(layout, node, name)), name)
        system("mount", "--make-rshared", name)
    system("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    join_from_inside(node)
    # Pods of one node speak through a bridge; only so do kube-proxy's and the policies' rules see them.
    setting("net/bridge/bridge-nf-call-iptables", "1")
    cgroups.make(layout.cgroup(node))


def runtime(layout: Layout, node: Node) -> Part:
    config = layout.node(node) / "containerd.toml"
    return Part(f"{node.name}-containerd", ("containerd", "--config", str(config)))


def import_images(layout: Layout, node: Node) -> None:
    """Returns once containerd answers and has the cluster's own images."""
    control = ("ctr", "--address", str(layout.containerd(node)), "--namespace", "k8s.io")

    def answers() -> bool:
        return subprocess.run([*control, "version"], capture_output=True, check=False).returncode == 0

    wait_for(answers, "containerd", _STARTS_WITHIN_SECONDS)
    for archive in sorted(layout.images.glob("*.tar")):
        system(*control, "images", "import", str(archive))


def parts(layout: Layout, node: Node) -> Iterator[Part]:
    """What needs the API server."""
    folder, programs = layout.node(node), layout.programs
    kubelet = (f"--config={folder}/kubelet.yaml", f"--kubeconfig={layout.keys}/kubelet-{node.name}.kubeconfig")
    place = (f"--root-dir={folder}/kubelet", f"--hostname-override={node.name}", f"--node-ip={node.address}")
    yield Part(f"{node.name}-kubelet", (str(programs / "kubelet"), *kubelet, *place, "--v=2"))
    proxy = (str(programs / "kube-proxy"), f"--config={folder}/kube-proxy.yaml")
    yield Part(f"{node.name}-kube-proxy", proxy)
    enforcer = (str(programs / "networkpolicies"), f"--kubeconfig={layout.keys}/admin.kubeconfig")
    yield Part(f"{node.name}-networkpolicies", enforcer)


def _private(layout: Layout, node: Node, name: str) -> Path:
    return layout.node(node) / "private" / name.removeprefix("/")


def _cni(node: Node) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "pods0",
        "isGateway": True,
        # Else another node's pods would seem to be the node, and no policy could tell them apart.
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": node.pod_network}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def _containerd(layout: Layout, node: Node) -> str:
    folder = layout.node(node)
    binaries = next((path for path in CNI_PLUGINS if Path(path, "bridge").exists()), CNI_PLUGINS[0])
    return f"""version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
  address = "{layout.containerd(node)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."{_RUNTIME}"]
  sandbox_image = "{PAUSE.name}"
  restrict_oom_score_adj = true
[plugins."{_RUNTIME}".cni]
  bin_dir = "{binaries}"
  conf_dir = "{folder}/cni"
[plugins."{_RUNTIME}".registry]
  config_path = "{folder}/certificates"
[plugins."{_RUNTIME}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."{_RUNTIME}".containerd.runtimes.runc.options]
  SystemdCgroup = false
"""


def _kubelet(layout: Layout, node: Node) -> dict[str, Any]:
    folder = layout.node(node)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": layout.cgroup(node),
        "containerRuntimeEndpoint": f"unix://{layout.containerd(node)}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(folder / "resolv.conf"),
        "staticPodPath": "",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.keys / f"kubelet-{node.name}.crt"),
        "tlsPrivateKeyFile": str(layout.keys / f"kubelet-{node.name}.key"),
        **_kubelet_on_a_shared_machine(),
    }


def _kubelet_on_a_shared_machine() -> dict[str, Any]:
    """The machine is everyone's: no eviction for what others use, no limits lowered that root here may not lower."""
    return {
        # An image that was put here and is pulled too would then be refused to pods that name it as it was put here.
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "protectKernelDefaults": False,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "10s",
    }


def _proxy(layout: Layout, node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.keys / "kube-proxy.kubeconfig")},
        "mode": "iptables",
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": node.name,
        "oomScoreAdj": 0,
        "bindAddress": "0.0.0.0",
        # The table of connections is the machine's own to size.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
