"""Each example of X-Ray's guide to filter expressions, against a trace that it finds and one that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.xray.view import TraceView
from support.xray_views import NOW, compiled, subsegment, view


def responding(status: int, seconds: float = 0.5, **members: Any) -> dict[str, Any]:
    """A segment of a service that answered so."""
    return {"name": "web", "end_time": NOW + seconds, "http": {"response": {"status": status}}, **members}


def asking(name: str = "web", **request: str) -> dict[str, Any]:
    return {"name": name, "http": {"request": request, "response": {"status": 200}}}


def api_calling_backend(**call: Any) -> TraceView:
    """api.example.com calls backend.example.com, which is traced itself."""
    made = subsegment(16, "backend.example.com", namespace="remote", **call)
    return view(
        {"name": "api.example.com", "subsegments": [made]},
        {"name": "backend.example.com", "parent_id": f"{16:016x}"},
    )


def lambda_trace(**function: Any) -> TraceView:
    service = {"name": "random-name", "origin": "AWS::Lambda"}
    return view(service, {"name": "random-name", "origin": "AWS::Lambda::Function", "parent_id": "0" * 16, **function})


def failing(name: str = "Auth", origin: str | None = None, **thrown: str) -> TraceView:
    """A storefront whose fault comes from another service, out of a subsegment "deserialize"."""
    cause = {"exceptions": [{"type": "Oops", "message": "boom", **thrown}]}
    inner = subsegment(33, "deserialize", fault=True, cause=cause)
    call = subsegment(32, name, namespace="remote", fault=True)
    callee = {"name": name, "parent_id": f"{32:016x}", "fault": True, "subsegments": [inner]}
    front = {"name": "front", "fault": True, "subsegments": [call]}
    return view(front, callee if origin is None else {**callee, "origin": origin})


def slow_in(name: str, seconds: float, **members: Any) -> TraceView:
    return view({"name": "front", "end_time": NOW + 1, "subsegments": [subsegment(32, name, seconds, **members)]})


WEATHER = {
    "name": "GetWeatherData",
    "subsegments": [subsegment(32, "get_temperature", 0.4, namespace="remote")],
}
TEMPERATURE = {"name": "GetTemperature", "parent_id": f"{32:016x}", "end_time": NOW + 0.3}
WEATHER_CAUSE = (
    '#[{ "Services": [ { "Name": "GetWeatherData", "EntityPath": [{ "Name": "GetWeatherData" }, '
    '{ "Name": "get_temperature" } ] }, '
    '{ "Name": "GetTemperature", "EntityPath": [ { "Name": "GetTemperature" } ] } ] }]'
)
VERSION_TWO = asking(url="http://api.example.com/v2/game")

# Each expression of the guide, with a trace that it finds and one that it does not.
GUIDE: list[tuple[str, TraceView, TraceView]] = [
    ("responsetime > 5", view(responding(200, 5.1)), view(responding(200, 5))),
    ("duration >= 5 AND duration <= 8", view(responding(200, 8)), view(responding(200, 8.1))),
    ("ok", view(responding(200)), view(responding(404))),
    ("!ok", view(responding(503)), view(responding(200))),
    ("ok = false", view(responding(429)), view(responding(200))),
    ('rootcause.fault.entity { last and name = "deserialize" }', failing(), view(responding(500))),
    (
        'rootcause.responsetime.entity { remote and coverage > 0.7 and name = "traces" }',
        slow_in("traces", 0.8, namespace="remote"),
        slow_in("traces", 0.6, namespace="remote"),
    ),
    (
        'rootcause.fault.service { inferred and name = DynamoDB and type = "AWS::DynamoDB" }',
        view({"name": "x", "fault": True, "subsegments": [subsegment(9, "DynamoDB", namespace="aws", fault=True)]}),
        failing("traces"),
    ),
    (
        'service("data-plane") {root = true and fault = true}',
        view({"name": "data-plane", "fault": True}),
        view({"name": "x"}, {"name": "data-plane", "fault": True, "parent_id": "0" * 16}),
    ),
    ("http.status != 200", view(responding(201)), view(responding(200))),
    ("ok !partial duration <3", view(responding(200, 2.9)), view(responding(200, 3))),
    (
        "rootcause.fault.service { index > 5 }",
        view(
            *(
                {
                    "name": f"s{n}",
                    "fault": True,
                    **({"parent_id": f"{99 + n:016x}"} if n else {}),
                    "subsegments": [subsegment(100 + n, "next", namespace="remote", fault=True)],
                }
                for n in range(7)
            )
        ),
        failing(),
    ),
    ("rootcause.responsetime.entity { last and coverage > 0.8 }", slow_in("work", 0.9), slow_in("work", 0.8)),
    ('http.url CONTAINS "/api/game/"', view(asking(url="http://x/api/game/1")), view(asking(url="http://x/api"))),
    ('user CONTAINS ""', view({"name": "x", "user": "ada"}), view({"name": "x"})),
    ('rootcause.fault.service { name = "Auth" }', failing("Auth"), failing("Other")),
    (
        'rootcause.responsetime.service { last and type = "AWS::DynamoDB" }',
        slow_in("DynamoDB", 0.9, namespace="aws"),
        slow_in("S3", 0.9, namespace="aws"),
    ),
    (
        'rootcause.fault.exception { last and message = "Access Denied for account_id: 1234567890" }',
        failing(message="Access Denied for account_id: 1234567890"),
        failing(),
    ),
    (
        'service("api.example.com") { fault }',
        view({"name": "x"}, {"name": "api.example.com", "fault": True, "parent_id": "0" * 16}),
        view({"name": "x", "fault": True}, {"name": "api.example.com", "parent_id": "0" * 16}),
    ),
    ("service() { fault }", view({"name": "a"}, {"name": "b", "fault": True}), view({"name": "a"}, {"name": "b"})),
    (
        'edge("api.example.com", "backend.example.com") { error }',
        api_calling_backend(error=True),
        api_calling_backend(),
    ),
    (
        'http.url BEGINSWITH "http://api.example.com/" AND http.url CONTAINS "/v2/" AND !service("api.example.com")',
        view(VERSION_TWO),
        view({**VERSION_TWO, "name": "api.example.com"}),
    ),
    ("http.url AND responseTime > 2", view({**VERSION_TWO, "end_time": NOW + 3}), view(responding(200, 3))),
    (
        'annotation.gameid = "817DL6VO"',
        view({"name": "x", "annotations": {"gameid": "817DL6VO"}}),
        view({"name": "x", "annotations": {"gameid": "817dl6vo"}}),
    ),
    ("annotation.age", view({"name": "x", "annotations": {"age": 0}}), view({"name": "x"})),
    ("!annotation.age", view({"name": "x"}), view({"name": "x", "annotations": {"age": 0}})),
    (
        "annotation.age > 29",
        view({"name": "x", "annotations": {"age": 30}}),
        view({"name": "x", "annotations": {"age": 29}}),
    ),
    (
        'annotation[gameid] = "817DL6VO"',
        view({"name": "x", "annotations": {"gameid": "817DL6VO"}}),
        view({"name": "x", "annotations": {"other": "817DL6VO"}}),
    ),
    (
        'group.name = "slow" AND user = "alice"',
        view(responding(200, 4, user="alice")),
        view(responding(200, 2, user="alice")),
    ),
    (f"rootcause.json = {WEATHER_CAUSE}", view(WEATHER, TEMPERATURE), view(WEATHER)),
    ('service("random-name") { error }', lambda_trace(error=True), lambda_trace()),
    (
        'service(id(name: "random-name", type: "AWS::Lambda::Function")) { error }',
        lambda_trace(error=True),
        view({"name": "random-name", "origin": "AWS::Lambda", "error": True}),
    ),
    (
        'service(id(type: "AWS::Lambda::Function")) { error }',
        lambda_trace(error=True),
        lambda_trace(fault=True),
    ),
    (
        'service("api.example.com") { fault = true OR responsetime > 2.5 } AND annotation.account = "12345"',
        view({"name": "api.example.com", "end_time": NOW + 3, "annotations": {"account": "12345"}}),
        view({"name": "api.example.com", "end_time": NOW + 2, "annotations": {"account": "12345"}}),
    ),
]


@pytest.mark.parametrize(("expression", "hit", "miss"), GUIDE, ids=[expression for expression, *_ in GUIDE])
def test_expression_of_the_guide_finds_its_traces(expression: str, hit: TraceView, miss: TraceView) -> None:
    accepts = compiled(expression)
    assert (accepts(hit), accepts(miss)) == (True, False)
