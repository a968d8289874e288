"""Which pods reach which: what NetworkPolicies are held against, pair by pair and port by port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cluster.layout import NODES
from cluster.running import Namespace, RunningCluster, eventually

WEB, ADMIN = 8080, 8081
PORTS: Final = (WEB, ADMIN)
_SETTLES_WITHIN_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Place:
    """A pod by its namespace's and its own short name, `shop/front`."""

    namespace: str
    pod: str


# In each namespace a pod on each node, so that both ways are tried: over the node's bridge and over the network.
PLACES: Final = tuple(Place(namespace, pod) for namespace in ("shop", "tools") for pod in ("front", "back"))
# The name `web` is another number in the pods called back.
_NAMED: Final = {"front": {WEB: "web", ADMIN: "admin"}, "back": {WEB: "admin", ADMIN: "web"}}

Allowed = Callable[[Place, Place, int], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """Pods that all serve both ports, and the addresses they have."""

    namespaces: Mapping[str, Namespace]
    addresses: Mapping[Place, str]

    def becomes(self, allowed: Allowed) -> None:
        """Returns once exactly what is allowed is open. Raises AssertionError, which names what is not so."""
        wanted = {
            (source, target, port): allowed(source, target, port)
            for source in PLACES
            for target in PLACES
            if source != target
            for port in PORTS
        }

        def is_so() -> bool:
            seen = self._seen()
            wrong = [_described(key, seen[key]) for key in wanted if seen[key] != wanted[key]]
            assert not wrong, "; ".join(wrong)
            return True

        eventually(is_so, "the policies are kept", _SETTLES_WITHIN_SECONDS)

    @contextmanager
    def under(self, *policies: Mapping[str, Any]) -> Iterator[None]:
        """With these policies, each `(namespace, spec)` of which has a name of its own."""
        cluster = self.namespaces["shop"].cluster
        cluster.apply(*policies)
        try:
            yield
        finally:
            for namespace in self.namespaces.values():
                cluster.kubectl("delete", "networkpolicy", "--all", "--namespace", namespace.name, "--wait=true")

    def policy(self, namespace: str, name: str = "policy", **spec: Any) -> dict[str, Any]:
        """A NetworkPolicy's manifest; it selects every pod unless it says another `podSelector`."""
        metadata = {"name": name, "namespace": self.namespaces[namespace].name}
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": {"podSelector": {}, **spec},
        }

    def _seen(self) -> dict[tuple[Place, Place, int], bool]:
        with ThreadPoolExecutor(len(PLACES)) as pool:
            return {key: is_open for part in pool.map(self._seen_from, PLACES) for key, is_open in part.items()}

    def _seen_from(self, source: Place) -> dict[tuple[Place, Place, int], bool]:
        targets = {
            f"{self.addresses[place]}:{port}": (source, place, port)
            for place in PLACES
            if place != source
            for port in PORTS
        }
        lines = self.namespaces[source.namespace].probe(source.pod, "connect", *targets).splitlines()
        return {targets[line.split()[0]]: line.split()[1] == "open" for line in lines}


@contextmanager
def field(cluster: RunningCluster) -> Iterator[Field]:
    """Two namespaces, each with two pods."""
    with ExitStack() as stack:
        namespaces = {name: stack.enter_context(cluster.namespace(name, {"team": name})) for name in ("shop", "tools")}
        for name, namespace in namespaces.items():
            namespace.run(*(_serving(namespace, place) for place in PLACES if place.namespace == name))
        addresses = {place: namespaces[place.namespace].address(place.pod) for place in PLACES}
        yield Field(namespaces, addresses)


def _serving(namespace: Namespace, place: Place) -> dict[str, Any]:
    node = NODES[0] if place.pod == "front" else NODES[1]
    ports = [{"containerPort": port, "name": name} for port, name in _NAMED[place.pod].items()]
    # Its node must reach a pod whatever policies say, or no pod would stay ready.
    ready = {"httpGet": {"path": "/", "port": WEB}, "periodSeconds": 1}
    arguments = [*(f"tcp/{port}" for port in PORTS), f"udp/{WEB}"]
    return namespace.pod(
        place.pod, "serve", *arguments, nodeName=node.name, container={"ports": ports, "readinessProbe": ready}
    )


def _described(key: tuple[Place, Place, int], is_open: bool) -> str:
    source, target, port = key
    way = f"{source.namespace}/{source.pod} -> {target.namespace}/{target.pod}:{port}"
    return f"{way} is {'open' if is_open else 'closed'}"
