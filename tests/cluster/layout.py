"""Where a cluster's files lie, and the names and addresses that its parts know each other by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).resolve().parent
REGION: Final = "eu-west-1"
# As EKS names them; nothing is asked for there, for the keys are fetched from the API server itself.
ISSUER: Final = f"https://oidc.eks.{REGION}.amazonaws.com/id/DE9085C1D0E5B7A3F6429AC81B37D04E"

# All of these are in network namespaces of the cluster's own, so no other network of the machine can have them too.
CONTROL_PLANE: Final = "control-plane"
CONTROL_PLANE_ADDRESS: Final = "10.88.0.1"
API_PORT: Final = 6443
REGISTRY_PORT: Final = 5000
WEBHOOK_PORT: Final = 23443
POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
API_SERVICE_ADDRESS: Final = "10.96.0.1"
DNS_ADDRESS: Final = "10.96.0.10"


def cache_folder() -> Path:
    """What outlives a cluster and a checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deepobs"


@dataclass(frozen=True, slots=True)
class Node:
    """A node by its number, from 1."""

    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def address(self) -> str:
        return f"10.88.0.{10 + self.number}"

    @property
    def pod_network(self) -> str:
        return f"10.244.{self.number}.0/24"


NODES: Final = (Node(1), Node(2))


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one cluster. The folder's path is short, for those of Unix sockets end at 107 characters."""

    state: Path

    @classmethod
    def of(cls, name: str) -> Layout:
        """The cluster of this name on this machine."""
        return cls(cache_folder() / "clusters" / name)

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def programs(self) -> Path:
        """A link to what this cluster was started with."""
        return self.state / "build" / "bin"

    @property
    def images(self) -> Path:
        return self.state / "build" / "images"

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """For programs outside the cluster's namespaces."""
        return self.state / "kubeconfig"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def node(self, node: Node) -> Path:
        """What only this node may see."""
        return self.state / node.name

    def containerd(self, node: Node) -> Path:
        return self.node(node) / "containerd.sock"

    def cgroup(self, node: Node) -> str:
        """As the kubelet names it: from the root of each hierarchy."""
        return f"/deepobs-{self.name}-{node.name}"
