# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sets of dimensions under which Container Insights publishes. Pure.

Source: CloudWatch user guide, "Amazon EKS and Kubernetes Container Insights with enhanced observability metrics".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DimensionSet = tuple[tuple[str, str], ...]
KnownSets = set[frozenset[tuple[str, str]]]

# Dimensions that come with one which a user knows, and have to be looked up.
COMPANIONS = {"NodeName": ("InstanceId",), "FullPodName": ("PodName",)}


@dataclass(frozen=True)
class Scope:
    """What of a cluster is meant: all of it, a namespace, or what is named in it; nodes are in no namespace."""

    cluster_name: str
    namespace: str | None = None
    services: Sequence[str] = ()
    pods: Sequence[str] = ()
    full_pod_names: Sequence[str] = ()
    containers: Sequence[str] = ()
    nodes: Sequence[str] = ()

    @property
    def cluster(self) -> DimensionSet:
        return (("ClusterName", self.cluster_name),)

    @property
    def whole(self) -> DimensionSet:
        """The namespace; without one the cluster."""
        return self.cluster if self.namespace is None else (*self.cluster, ("Namespace", self.namespace))

    @property
    def looked_up(self) -> list[DimensionSet]:
        """Dimensions to be completed with those that come with them."""
        full_pods = [(*self.whole, ("FullPodName", name)) for name in self.full_pod_names]
        return [*full_pods, *((*self.cluster, ("NodeName", name)) for name in self.nodes)]

    def dimension_sets(self, completed: Iterable[DimensionSet] = ()) -> tuple[DimensionSet, ...]:
        """The narrowest sets that are meant, with those that were looked up."""
        services = [(*self.whole, ("Service", name)) for name in self.services]
        pods = [(*self.whole, ("PodName", name)) for name in self.pods]
        containers = [(*pod, ("ContainerName", name)) for pod in pods for name in self.containers]
        return (*services, *(containers or pods), *completed) or (self.whole,)


def check_scope(scope: Scope) -> None:
    """Raises ValueError for a scope under which nothing is published."""
    if not scope.cluster_name:
        raise ValueError("cluster_name is empty; without it a query has no answer: name the cluster")
    if scope.namespace == "":
        raise ValueError("namespace is empty; leave it out for the whole cluster, or name a Kubernetes namespace")
    for option in ("services", "pods", "full_pod_names"):
        if getattr(scope, option) and scope.namespace is None:
            raise ValueError(f"{option} needs namespace: Container Insights names a pod only within its namespace")
    if scope.containers and not scope.pods:
        raise ValueError("containers needs pods: Container Insights names a container only within its pods")
    for option in ("services", "pods", "full_pod_names", "containers", "nodes"):
        if "" in getattr(scope, option):
            raise ValueError(f"{option} has an empty name; take it out, for an empty dimension matches nothing")


def completed(wanted: DimensionSet, known: KnownSets) -> list[DimensionSet]:
    """The known sets that have these dimensions and their companions; the wanted set itself where there is none."""
    companions = COMPANIONS[wanted[-1][0]]
    names = {name for name, _value in wanted} | set(companions)
    found = [dict(one) for one in known if set(wanted) <= one and {name for name, _value in one} == names]
    sets = [(*wanted, *((name, one[name]) for name in companions)) for one in found]
    return sorted(sets) or [wanted]


def in_words(dimensions: Iterable[tuple[str, str]]) -> str:
    """Dimensions as a message tells them."""
    return ", ".join(f"{name}={value}" for name, value in dimensions)


def others_published(wanted: DimensionSet, known: KnownSets, most: int = 5) -> list[str]:
    """Which values of the last dimension a metric is published with, where all others are the same."""
    name, fixed = wanted[-1][0], set(wanted[:-1])
    found = sorted(
        dict(one)[name] for one in known if name in dict(one) and set(one) - {(name, dict(one)[name])} == fixed
    )
    return found[:most] + (["..."] if len(found) > most else [])
