"""Windows of GetServiceGraph joined into one."""

from __future__ import annotations

from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.service_graph import join_graphs


def statistics(requests: int, errors: int = 0, faults: int = 0, seconds: float = 0.0) -> dict[str, Any]:
    return {
        "OkCount": requests - errors - faults,
        "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": errors, "TotalCount": errors},
        "FaultStatistics": {"OtherCount": faults, "TotalCount": faults},
        "TotalCount": requests,
        "TotalResponseTime": seconds,
    }


def window(client: int, frontend: int) -> list[dict[str, Any]]:
    """A client that calls the frontend; the numbers are the window's reference ids."""
    edge = {"ReferenceId": frontend, "SummaryStatistics": statistics(10, 2, 1, 3.5)}
    return [
        {"ReferenceId": client, "Name": "somewhere", "Type": "client", "Edges": [edge]},
        {
            "ReferenceId": frontend,
            "Name": "frontend",
            "Type": "AWS::EKS::Container",
            "Root": True,
            "SummaryStatistics": statistics(10, 2, 1, 3.5),
            "Edges": [],
        },
    ]


def test_windows_add_up_though_reference_ids_differ() -> None:
    graph = join_graphs([window(0, 1), window(5, 3)])
    assert graph["edges"] == [
        {
            "source": "client",
            "target": "frontend",
            "requests": 20,
            "errors": 4,
            "faults": 2,
            "total_response_seconds": 7.0,
        }
    ]
    assert [(node["reference_id"], node["name"], node["requests"], node["ok"]) for node in graph["services"]] == [
        (0, "client", 0, 0),
        (1, "frontend", 20, 14),
    ]
    assert graph["services"][1]["root"] is True


def test_same_name_of_another_type_is_another_node() -> None:
    services = [
        {"ReferenceId": 0, "Name": "redis", "Type": "remote"},
        {"ReferenceId": 1, "Name": "redis", "Type": "AWS::EKS::Container"},
    ]
    assert [node["type"] for node in join_graphs([services])["services"]] == ["remote", "AWS::EKS::Container"]


def test_node_without_a_name_takes_its_first_or_none() -> None:
    services: list[dict[str, Any]] = [{"ReferenceId": 0, "Names": ["shop.example"]}, {"ReferenceId": 1}]
    assert [node["name"] for node in join_graphs([services])["services"]] == ["shop.example", "unknown"]


def test_no_window_is_an_empty_graph() -> None:
    assert join_graphs([]) == {"services": [], "edges": []}
