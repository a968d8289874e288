# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS X-Ray's service graph: windows of GetServiceGraph joined into one graph of names and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

CLIENT = "client"


@dataclass
class ServiceNode:
    """What one service answered; response time in seconds over all requests."""

    reference_id: int
    name: str
    type: str
    root: bool
    requests: int = 0
    ok: int = 0
    errors: int = 0
    faults: int = 0
    total_response_seconds: float = 0.0


@dataclass
class Edge:
    """What one service, or the client, asked of another; both by name."""

    source: str
    target: str
    requests: int = 0
    errors: int = 0
    faults: int = 0
    total_response_seconds: float = 0.0


def join_graphs(windows: Iterable[list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """One graph of the `Services` of adjoining windows (API: GetServiceGraph).

    A service is known by name and type, for its ReferenceId holds within one window only; reference_id counts
    from 0 in the order of first appearance.
    """
    nodes: dict[tuple[str, str], ServiceNode] = {}
    edges: dict[tuple[str, str], Edge] = {}
    for services in windows:
        for service in services:
            _add_node(nodes, service)
        _add_edges(edges, services)
    return {
        "services": [asdict(node) for node in nodes.values()],
        "edges": [asdict(edge) for edge in edges.values()],
    }


def node_name(service: dict[str, Any]) -> str:
    """The service's name; the node X-Ray infers for whoever called first is named client."""
    if service.get("Type") == CLIENT:
        return CLIENT
    return str(service.get("Name") or next(iter(service.get("Names") or ()), "unknown"))


def _add_node(nodes: dict[tuple[str, str], ServiceNode], service: dict[str, Any]) -> None:
    name, kind = node_name(service), service.get("Type", "")
    node = nodes.setdefault((name, kind), ServiceNode(len(nodes), name, kind, bool(service.get("Root"))))
    statistics = service.get("SummaryStatistics", {})
    node.root = node.root or bool(service.get("Root"))
    node.ok += statistics.get("OkCount", 0)
    _add_statistics(node, statistics)


def _add_edges(edges: dict[tuple[str, str], Edge], services: list[dict[str, Any]]) -> None:
    names = {service["ReferenceId"]: node_name(service) for service in services}
    for service in services:
        for edge in service.get("Edges", ()):
            key = node_name(service), names.get(edge["ReferenceId"], "unknown")
            _add_statistics(edges.setdefault(key, Edge(*key)), edge.get("SummaryStatistics", {}))


def _add_statistics(total: ServiceNode | Edge, statistics: dict[str, Any]) -> None:
    total.requests += statistics.get("TotalCount", 0)
    total.errors += statistics.get("ErrorStatistics", {}).get("TotalCount", 0)
    total.faults += statistics.get("FaultStatistics", {}).get("TotalCount", 0)
    total.total_response_seconds += statistics.get("TotalResponseTime", 0.0)
