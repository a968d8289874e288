"""The service map's drawing: layers from callers to called, long edges led around nodes, left to right or top down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Graph = Mapping[str, Any]
_COUNTS = ("requests", "errors", "faults", "total_response_seconds")
Place = tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """What flowed through a node or along an edge in the run."""

    requests: int
    requests_per_second: float
    failed: int
    failed_share: float
    mean_ms: float | None

    @property
    def health(self) -> str:
        """ok, some (failures, under 1 %) or many."""
        return "ok" if not self.failed else "some" if self.failed_share < 0.01 else "many"


@dataclass(frozen=True)
class MapNode:
    """A box, by its centre."""

    name: str
    kind: str
    x: float
    y: float
    figures: Figures | None


@dataclass(frozen=True)
class MapEdge:
    """An arrow with the place of its label; `weight` is its stroke in units of the drawing."""

    source: str
    target: str
    path: str
    label_x: float
    label_y: float
    weight: float
    figures: Figures


@dataclass(frozen=True)
class Geometry:
    """Sizes of a drawing; `vertical` puts callers at the top."""

    vertical: bool
    node_width: float = 184
    node_height: float = 84
    layer_gap: float = 146
    slot_gap: float = 36

    @property
    def along(self) -> float:
        """From one layer's centre to the next one's."""
        return (self.node_height if self.vertical else self.node_width) + self.layer_gap

    @property
    def across(self) -> float:
        """From one slot's centre to the next one's within a layer."""
        return (self.node_width if self.vertical else self.node_height) + self.slot_gap

    @property
    def half_node(self) -> float:
        """Half a node's size in the direction of flow."""
        return (self.node_height if self.vertical else self.node_width) / 2


WIDE = Geometry(vertical=False)
NARROW = Geometry(vertical=True, node_width=158, node_height=84, layer_gap=100, slot_gap=14)


@dataclass(frozen=True)
class ServiceMap:
    """A drawing of the given size; nodes and edges in drawing units."""

    width: float
    height: float
    node_width: float
    node_height: float
    nodes: list[MapNode]
    edges: list[MapEdge]


def draw_service_map(graph: Graph, seconds: float, geometry: Geometry) -> ServiceMap:
    """Lays out a service graph; rates are over the run's seconds."""
    # one name may stand for a server and for what its callers saw of it: the busier of the two is drawn
    nodes = sorted(_merged(graph["services"], "name", "type"), key=lambda node: int(node["requests"]))
    services = {node["name"]: node for node in nodes}
    edges = [edge for edge in _merged(graph["edges"], "source", "target") if edge["source"] != edge["target"]]
    pairs = sorted((edge["source"], edge["target"]) for edge in edges)
    names = sorted({*services, *(name for pair in pairs for name in pair)})
    layers = _layers(names, pairs)
    columns = _ordered_columns(names, pairs, layers)
    places, width, height = _places(columns, geometry)
    return ServiceMap(
        width=width,
        height=height,
        node_width=geometry.node_width,
        node_height=geometry.node_height,
        nodes=[_node(name, services.get(name), places[name, name, 0], seconds) for name in names],
        edges=[_edge(edge, layers, places, seconds, geometry) for edge in edges],
    )


def _merged(parts: Sequence[Graph], *names: str) -> list[Graph]:
    """The parts with the same values at these names as one, their counts added up: X-Ray has a client node per root."""
    merged: dict[tuple[Any, ...], Graph] = {}
    for part in parts:
        key = tuple(part.get(name) for name in names)
        before = merged.get(key)
        merged[key] = part if before is None else {**before, **{name: before[name] + part[name] for name in _COUNTS}}
    return list(merged.values())


def _layers(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a caller that nobody calls; edges that close a circle are not counted."""
    called = {name: [target for source, target in pairs if source == name] for name in names}
    order = _callers_first(names, called)
    rank = {name: position for position, name in enumerate(order)}
    layers = dict.fromkeys(names, 0)
    for name in order:
        for target in called[name]:
            if rank[target] > rank[name]:
                layers[target] = max(layers[target], layers[name] + 1)
    return layers


def _callers_first(names: Sequence[str], called: Mapping[str, Sequence[str]]) -> list[str]:
    """Every caller before whom it calls (circles aside): depth first, in reverse order of completion."""
    everyone_called = {target for targets in called.values() for target in targets}
    done: dict[str, None] = {}
    entered: set[str] = set()
    waiting = [(name, False) for name in sorted(names, key=lambda name: name not in everyone_called)]
    while waiting:
        name, finished = waiting.pop()
        if finished:
            done[name] = None
        elif name not in entered:
            entered.add(name)
            waiting += [(name, True), *((target, False) for target in called[name])]
    return list(reversed(done))


Slot = tuple[str, str, int]  # a node is (name, name, 0), a bend of a long edge (source, target, layer)


def _bends(pairs: Iterable[tuple[str, str]], layers: Mapping[str, int]) -> list[Slot]:
    return [(source, target, layer) for source, target in pairs for layer in range(layers[source] + 1, layers[target])]


def _ordered_columns(
    names: Sequence[str], pairs: Sequence[tuple[str, str]], layers: Mapping[str, int]
) -> list[list[Slot]]:
    """Slots by layer, each layer ordered by the mean position of what leads to it."""
    columns: list[list[Slot]] = [[] for _unused in range(max(layers.values(), default=-1) + 1)]
    for name in names:
        columns[layers[name]].append((name, name, 0))
    for bend in _bends(pairs, layers):
        columns[bend[2]].append(bend)
    position: dict[Slot, float] = {}
    for column in columns:
        column.sort(key=lambda slot: (_mean_before(slot, pairs, layers, position), slot[0] != slot[1], slot))
        position |= {slot: index - (len(column) - 1) / 2 for index, slot in enumerate(column)}
    return columns


def _mean_before(
    slot: Slot, pairs: Sequence[tuple[str, str]], layers: Mapping[str, int], position: Mapping[Slot, float]
) -> float:
    if slot[0] != slot[1]:
        return position.get(_slot_at(slot[0], slot[1], slot[2] - 1, layers), 0.0)
    before = [_slot_at(source, target, layers[target] - 1, layers) for source, target in pairs if target == slot[0]]
    known = [position[each] for each in before if each in position]
    return sum(known) / len(known) if known else 0.0


def _slot_at(source: str, target: str, layer: int, layers: Mapping[str, int]) -> Slot:
    return (source, source, 0) if layer <= layers[source] else (source, target, layer)


def _places(columns: Sequence[Sequence[Slot]], geometry: Geometry) -> tuple[dict[Slot, Place], float, float]:
    most = max((len(column) for column in columns), default=1)
    extent = (most * geometry.across, max(len(columns), 1) * geometry.along - geometry.layer_gap)
    places = {}
    for layer, column in enumerate(columns):
        for index, slot in enumerate(column):
            across = extent[0] / 2 + (index - (len(column) - 1) / 2) * geometry.across
            along = geometry.half_node + layer * geometry.along
            places[slot] = (across, along) if geometry.vertical else (along, across)
    width, height = extent if geometry.vertical else (extent[1], extent[0])
    return places, width, height


def _figures(counts: Graph, seconds: float) -> Figures:
    requests, failed = counts["requests"], counts["faults"] + counts["errors"]
    return Figures(
        requests=requests,
        requests_per_second=requests / seconds,
        failed=failed,
        failed_share=failed / requests if requests else 0.0,
        mean_ms=counts["total_response_seconds"] / requests * 1000 if requests else None,
    )


def _node(name: str, service: Graph | None, place: Place, seconds: float) -> MapNode:
    kind = str((service or {}).get("type") or "")
    return MapNode(name, kind, *place, _figures(service, seconds) if service else None)


def _edge(
    edge: Graph, layers: Mapping[str, int], places: Mapping[Slot, Place], seconds: float, geometry: Geometry
) -> MapEdge:
    source, target = edge["source"], edge["target"]
    bends = [places[slot] for slot in _bends([(source, target)], layers)]
    start, end = _border(places[source, source, 0], geometry, 1), _border(places[target, target, 0], geometry, -1)
    points = [start, *bends, end]
    label = bends[len(bends) // 2] if bends else _middle(start, end)
    figures = _figures(edge, seconds)
    weight = 1.5 + 3.5 * min(figures.requests_per_second / 200, 1.0) ** 0.5
    return MapEdge(source, target, _curve(points, geometry), *label, weight, figures)


def _border(place: Place, geometry: Geometry, direction: int) -> Place:
    shift = geometry.half_node * direction
    return (place[0], place[1] + shift) if geometry.vertical else (place[0] + shift, place[1])


def _middle(one: Place, other: Place) -> Place:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _curve(points: Sequence[Place], geometry: Geometry) -> str:
    """A smooth path that leaves and meets each point in the direction of flow."""
    pieces = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        if geometry.vertical:
            controls = f"{x0:.1f} {(y0 + y1) / 2:.1f} {x1:.1f} {(y0 + y1) / 2:.1f}"
        else:
            controls = f"{(x0 + x1) / 2:.1f} {y0:.1f} {(x0 + x1) / 2:.1f} {y1:.1f}"
        pieces.append(f"C{controls} {x1:.1f} {y1:.1f}")
    return " ".join(pieces)
