"""Scales and layouts: the geometry behind the page."""

from __future__ import annotations

from typing import Any

import pytest
from report.charts import Line, Panel, linear_scale, log_scale, time_ticks
from report.formats import byte_size, milliseconds, percent, price, usd
from report.service_map import NARROW, WIDE, Geometry, ServiceMap, draw_service_map
from support.run_parts import run_parts


@pytest.mark.parametrize(("top", "last"), [(0, 3), (3, 3), (7, 9), (97, 120), (658, 750), (0.02, 1.2)])
def test_linear_scale_starts_at_zero_and_reaches_every_value(top: float, last: float) -> None:
    scale = linear_scale([0.0, None, top])
    assert scale.ticks[0] == 0
    assert scale.high >= top
    assert scale.high <= last
    assert 3 <= len(scale.ticks) <= 6


@pytest.mark.parametrize("values", [[], [None], [0.0], [1.0], [2.2, 38.0], [0.04, 30000.0], [1.0, 10.0]])
def test_log_scale_spans_every_positive_value(values: list[float | None]) -> None:
    scale = log_scale(values)
    positive = [value for value in values if value]
    assert scale.low < scale.high
    assert all(scale.low <= value <= scale.high for value in positive)
    assert len(scale.ticks) <= 10
    assert [scale.percent(scale.low), scale.percent(scale.high), scale.percent(0)] == [0, 100, 0]


def test_time_ticks_are_round_and_few() -> None:
    assert [tick.label for tick in time_ticks(60)] == ["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]
    assert len(time_ticks(780)) <= 9
    assert time_ticks(2040)[1].label == "5:00"


def test_line_has_a_gap_where_nothing_was_measured() -> None:
    line = Line("p95", [(0, 1.0), (1, 2.0), (2, None), (3, 3.0), (4, 4.0)], "band")
    panel = Panel("x", "X", "", [line], linear_scale([4.0], steps=4), 4)
    assert panel.path(line) == "M0.0 75.00 L250.0 50.00 M750.0 25.00 L1000.0 0.00"


def _boxes(drawing: ServiceMap) -> list[tuple[str, float, float]]:
    return [(node.name, node.x, node.y) for node in drawing.nodes]


@pytest.mark.parametrize("geometry", [WIDE, NARROW], ids=["wide", "narrow"])
def test_service_map_keeps_nodes_apart_and_inside(geometry: Geometry) -> None:
    drawing = draw_service_map(run_parts()["traces"]["service_graph"], 60, geometry)
    boxes = _boxes(drawing)
    for position, (_, x, y) in enumerate(boxes):
        assert drawing.node_width / 2 <= x <= drawing.width - drawing.node_width / 2
        assert drawing.node_height / 2 <= y <= drawing.height - drawing.node_height / 2
        for _, other_x, other_y in boxes[position + 1 :]:
            assert abs(x - other_x) >= drawing.node_width or abs(y - other_y) >= drawing.node_height


def test_service_map_flows_from_the_client_to_the_data() -> None:
    drawing = draw_service_map(run_parts()["traces"]["service_graph"], 60, WIDE)
    x = {name: x for name, x, _ in _boxes(drawing)}
    assert x["client"] < x["ecommerce-frontend"] < x["ecommerce-backend"] < x["redis"] == x["postgresql"]


def test_service_map_leads_a_long_edge_around_what_lies_between() -> None:
    drawing = draw_service_map(run_parts()["traces"]["service_graph"], 60, WIDE)
    (frontend,) = (node for node in drawing.nodes if node.name == "ecommerce-frontend")
    (long_edge,) = (edge for edge in drawing.edges if (edge.source, edge.target) == ("client", "ecommerce-backend"))
    assert long_edge.label_x == frontend.x
    assert abs(long_edge.label_y - frontend.y) > drawing.node_height / 2


def test_service_map_tells_rates_and_failures() -> None:
    edges = [_edge("client", "shop", requests=120, faults=2, total_response_seconds=0.6)]
    (edge,) = draw_service_map({"services": [], "edges": edges}, 60, WIDE).edges
    assert (edge.figures.requests_per_second, edge.figures.failed, edge.figures.mean_ms) == (2, 2, 5)
    assert edge.figures.health == "many"


def test_service_map_draws_one_node_for_each_name() -> None:
    counts = {"errors": 0, "faults": 0, "total_response_seconds": 1.0}
    clients = [{"name": "client", "type": "client", "requests": requests} | counts for requests in (60, 120)]
    seen = {"name": "shop", "type": "remote", "requests": 90} | counts
    server = {"name": "shop", "type": "AWS::EKS::Container", "requests": 170} | counts
    graph = {"services": [server, *clients, seen], "edges": [_edge("client", "shop"), _edge("client", "shop")]}
    drawing = draw_service_map(graph, 60, WIDE)
    figures = {node.name: node.figures for node in drawing.nodes}
    assert {name: each.requests for name, each in figures.items() if each} == {"client": 180, "shop": 170}
    assert [edge.figures.requests for edge in drawing.edges] == [2]


def test_service_map_survives_circles_and_calls_to_oneself() -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "b")]
    drawing = draw_service_map({"services": [], "edges": [_edge(*pair) for pair in pairs]}, 60, WIDE)
    assert len(drawing.nodes) == 3
    assert len(drawing.edges) == 3


def _edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "requests": 1,
        "errors": 0,
        "faults": 0,
        "total_response_seconds": 0,
    } | more


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (percent(1), "100 %"),
        (percent(0.999996), "> 99.99 %"),
        (percent(0.00001), "< 0.01 %"),
        (percent(0), "0 %"),
        (milliseconds(0.318), "0.32 ms"),
        (milliseconds(263.4), "263 ms"),
        (usd(0), "$0.00"),
        (usd(0.0092), "$0.0092"),
        (usd(7288.5), "$7,288.50"),
        (price(5e-07), "$0.0000005"),
        (byte_size(4731), "4.7 kB"),
        (byte_size(None), "\u2013"),
    ],
)
def test_numbers_are_never_rounded_to_what_they_are_not(shown: str, text: str) -> None:
    assert shown == text
