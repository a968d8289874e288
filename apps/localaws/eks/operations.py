"""Puts the operations of EKS together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from localaws.eks.addons import Addons
from localaws.eks.clusters import create_cluster
from localaws.eks.listing import Listing
from localaws.eks.node_groups import NodeGroups
from localaws.eks.outcomes import Outcomes
from localaws.eks.persistence import load, save
from localaws.eks.pod_identity import PodIdentity
from localaws.eks.state import State
from localaws.eks.tags import tag_operations
from localaws.eks.tokens import Tokens
from localaws.eks.updates import update_operations
from localaws.eks.versions import version_operations
from localaws.iam import Iam
from localaws.identity import ExternalIssuer, Issuer
from localaws.seed import Seed
from localaws.service import Operation, Request, Service


def create_service(
    clock: Callable[[], float], seed: Seed, issuers: Mapping[str, Issuer | ExternalIssuer], iam: Iam
) -> Service:
    """EKS with the clusters of the seed; `issuers` by the clusters' names."""
    state, listing, outcomes = State(clock, seed.transition_seconds), Listing(), Outcomes()
    tokens = Tokens(state)
    for cluster in seed.clusters:
        state.clusters[cluster.name] = create_cluster(cluster, seed.region, issuers[cluster.name], clock())
    operations = {
        **_cluster_operations(state, listing),
        **Addons(state, listing, iam, outcomes).operations(tokens),
        **NodeGroups(state, listing, state.clusters, clock()).operations(),
        **version_operations(listing),
        **update_operations(state, listing),
        **PodIdentity(state, listing, iam).operations(tokens),
        **tag_operations(state),
    }
    return Service("eks", operations, state.dump, outcomes.admin_table(), partial(save, state), partial(load, state))


def _cluster_operations(state: State, listing: Listing) -> dict[str, Operation]:
    def describe(request: Request) -> dict[str, Any]:
        with state.now():
            cluster = state.cluster(request.parameters["name"], request.region)
            return {"cluster": {**cluster.document, "tags": dict(cluster.tags)}}

    def list_all(request: Request) -> dict[str, Any]:
        with state.now():
            here = [name for name, cluster in sorted(state.clusters.items()) if f":{request.region}:" in cluster.arn]
            page, token = listing.page(here, request)
            return {"clusters": page, "nextToken": token}

    return {"DescribeCluster": describe, "ListClusters": list_all}
