"""X-Ray's filter expressions: which traces each one finds, and that what is not understood finds none but an error."""

from __future__ import annotations

import pytest
from localaws.xray.filters import FilterError, Filters
from localaws.xray.view import TraceView
from support.xray_views import NOW, compiled, subsegment, view


@pytest.fixture
def shop_trace() -> TraceView:
    """A trace over two tiers: the first answers 404 in 0.5 s, the second 200 and ends after 2 s."""
    request = {"method": "GET", "url": "http://shop/cart", "user_agent": 'an "agent"', "client_ip": "10.0.0.1"}
    front = {
        "name": "front",
        "http": {"request": request, "response": {"status": 404}},
        "annotations": {"http_status": 404, "beta": True, "http_url": "/cart", "level.two": "x", "and": 1},
        "user": "ada",
        "resource_arn": "arn:aws:ecs:eu-west-1:123456789012:container/1",
        "aws": {"ec2": {"availability_zone": "eu-west-1a", "instance_id": "i-1"}},
        "subsegments": [subsegment(64, "back", 2.0, namespace="remote", cause={"exceptions": [{"message": "late"}]})],
    }
    back = {
        "name": "back",
        "parent_id": f"{64:016x}",
        "end_time": NOW + 2,
        "http": {"request": {"method": "POST"}, "response": {"status": 200}},
        "subsegments": [subsegment(65, "redis", namespace="remote"), subsegment(66, "S3", namespace="aws", error=True)],
    }
    return view(front, back)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("error", True),
        ("ERROR", True),
        ("ok", False),
        ("fault", False),
        ("throttle", False),
        ("partial", False),
        ("inferred", True),
        ("root", False),
        ("first OR last OR remote", False),
        ("error = true", True),
        ("error = false", False),
        ("fault != true", True),
        ("!fault", True),
        ("NOT fault", True),
        ("NOT NOT error", True),
        ("not (error or fault)", False),
        ("error AND fault", False),
        ("error OR fault", True),
        ("error OR ok AND fault", True),
        ("(error OR ok) AND fault", False),
        ("error !fault (inferred)", True),
        ("responsetime >= 0.5", True),
        ("responsetime > 0.5", False),
        ("duration > 1.9 AND duration <= 2", True),
        ("duration < 2", False),
        ("index = 0 OR coverage > 0 OR coldstart >= 0", False),
        ("http.status = 404", True),
        ("http.status = 200", True),
        ("http.status = 500", False),
        ("http.status != 404", True),
        ('http.method = "POST"', True),
        ('http.method = "PUT"', False),
        ('http.url = "http://shop/cart"', True),
        ('http.url CONTAINS "cart"', True),
        ('http.url CONTAINS "CART"', False),
        ('http.url beginswith "http://"', True),
        ('http.url ENDSWITH "/"', False),
        ('http.useragent = "an \\"agent\\""', True),
        ('http.clientip != "10.0.0.1"', False),
        ('user = "ada"', True),
        ('user = "bob"', False),
        ("user", True),
        ('name = "redis"', True),
        ('type = "AWS::S3"', True),
        ('type = "AWS::SQS"', False),
        ('message = "late"', True),
        ('message CONTAINS "early"', False),
        ('availabilityzone = "eu-west-1a"', True),
        ('instance.id = "i-2"', False),
        ('instance.id = "i-1"', True),
        ('resource.arn ENDSWITH "container/1"', True),
        ('service("front")', True),
        ('service("redis")', True),
        ('service("postgresql")', False),
        ("service()", True),
        ('service("front") { root }', True),
        ('service("back") { root }', False),
        ('service("S3") { error AND inferred }', True),
        ('service("redis") { error }', False),
        ('service("back") { http.method = "POST" AND responsetime = 2 }', True),
        ('service("front") { user = "ada" AND http.url CONTAINS "cart" AND name = "front" }', True),
        ('service("back") { message }', False),
        ('service(id(name: "S3", type: "AWS::S3"))', True),
        ('service(id(type: "AWS::S3", name: "S3")) { type = "AWS::S3" }', True),
        ('service(id(name: "S3", type: "remote"))', False),
        ('edge("front", "back")', True),
        ('edge("back", "front")', False),
        ('edge("back", "redis")', True),
        ('edge("back", id(type: "AWS::S3")) { error }', True),
        ('edge("back", "redis") { error }', False),
        ('edge(id(type: "client"), "front") { error AND http.method = "GET" }', True),
        ('edge(id(type: "client"), "back")', False),
        ('edge("front", "back") { duration >= 2 AND message = "late" }', True),
        ("rootcause.fault.service", False),
        ("rootcause.error.service", True),
        ('rootcause.error.service { first and name = "front" }', True),
        ('rootcause.responsetime.service { last and name = "redis" and inferred }', True),
        ('rootcause.responsetime.entity { index = 1 and name = "back" and coverage >= 1 }', True),
        ('rootcause.responsetime.entity { index = 1 and name = "front" }', False),
        ('rootcause.json != #[{"Services": [{"Name": "back"}]}]', True),
        ('rootcause.json = #{"Services": [{"Name": "front"}]}', True),
        ('group.name = "Default"', True),
        ('group.name != "slow"', True),
        ('group.arn = "arn:slow"', False),
        ("annotation.http_status = 404", True),
        ("annotation[http_status] >= 400", True),
        ("annotation[http_status] < 400", False),
        ('annotation[http_status] = "404"', False),
        ('annotation[http_url] BEGINSWITH "/c"', True),
        ("annotation[http_url]", True),
        ("annotation.http_url", True),
        ("Annotation[http_url]", True),
        ("annotation.HTTP_URL", False),
        ("annotation[missing]", False),
        ('annotation[missing] != "x"', False),
        ("annotation[beta] = true", True),
        ("annotation.beta = false", False),
        ("annotation[beta] = 1", False),
        ('annotation[level.two] = "x"', True),
        ('annotation["http_url"] = "/cart"', True),
        ("annotation[and] = 1 AND annotation.and", True),
        ('service("front") AND annotation.http_status = 404 AND NOT fault', True),
    ],
)
def test_filter_finds(shop_trace: TraceView, expression: str, found: bool) -> None:
    assert compiled(expression)(shop_trace) is found


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "it ends too early"),
        ("   ", "it ends too early"),
        ("everything", "unexpected 'everything' at offset 0"),
        ("error AND", "it ends too early"),
        ("AND error", "unexpected 'AND error' at offset 0"),
        ("(error", "it ends too early"),
        ("error)", "unexpected ')' at offset 5"),
        ("NOT", "it ends too early"),
        ("responsetime", "it ends too early"),
        ("responsetime 5", "unexpected '5' at offset 13"),
        ('responsetime > "5"', "unexpected '\"5\"' at offset 15"),
        ("responsetime CONTAINS 5", "unexpected 'CONTAINS 5' at offset 13"),
        ("http.status = 4x4", "unexpected '4x4' at offset 14"),
        ("http.url = cart", "'cart' at offset 11 must be in quotation marks"),
        ('http.url > "a"', "unexpected '> \"a\"' at offset 9"),
        ('http.url = "open', "unexpected '\"open' at offset 11"),
        ("annotation", "unexpected 'annotation' at offset 0"),
        ("annotation[", "unexpected 'annotation[' at offset 0"),
        ("annotation[]", "unexpected"),
        ("annotation[key", "unexpected"),
        ("annotation.", "unexpected"),
        ("annotation[key] =", "it ends too early"),
        ("annotation[key] CONTAINS 5", "unexpected '5' at offset 25"),
        ("annotation[key] > true", "unexpected 'true' at offset 18"),
        ("rootcause.json = #[007]", "what follows # at offset 17 is not JSON"),
        ('rootcause.json = #{"a": "\\q"}', "what follows # at offset 17 is not JSON"),
        ("service(front)", "unexpected 'front)' at offset 8"),
        ('service("front"', "it ends too early"),
        ('service("front") { }', "unexpected '}' at offset 19"),
        ('service("front") { annotation.a }', "annotation.a at offset 19 does not stand within braces"),
        ('service("a") { service("b") }', "service at offset"),
        ('service("a") { edge("a", "b") }', "edge at offset"),
        ('service("a") { group.name = "slow" }', "group.name at offset 15 filters whole traces only"),
        ('edge("front")', "unexpected ')' at offset 12"),
        ('edge("front", )', "unexpected ')' at offset 14"),
        ('service(id(size: "a"))', "unexpected"),
        ('group.name = "unknown"', "there is no group with name 'unknown'"),
        ("group.name", "it ends too early"),
        ("coverage.responsetime > 1", "unexpected"),
        ("rootcause.responsetime.exception { last }", "unexpected"),
        ("rootcause.json = #[", "it ends too early"),
        ("error = yes", "unexpected 'yes' at offset 8"),
        ("error; ok", "unexpected '; ok' at offset 5"),
        ("\x00", "unexpected"),
        ("(" * 60 + "!" * 60 + "ok" + ")" * 60, "levels deep"),
        ("!" * 1000 + "ok", "levels deep"),
        ("ok OR " * 334 + "ok", "more than 2000"),
    ],
)
def test_what_is_not_understood_is_an_error(expression: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        compiled(expression)
    assert message in str(caught.value)


def test_number_of_a_segment_in_progress_is_not_compared() -> None:
    unfinished = view({"name": "front", "end_time": None, "in_progress": True})
    assert compiled("responsetime < 100 OR duration < 100")(unfinished) is False
    assert compiled('partial AND service("front") { partial AND !responsetime >= 0 }')(unfinished) is True


def test_malformed_causes_are_looked_over() -> None:
    odd = view({"name": "x", "fault": True, "cause": {"exceptions": ["text", 7]}}, {"name": "y", "cause": "id"})
    assert compiled('message = "x" OR rootcause.fault.exception')(odd) is False


def test_root_cause_of_a_trace_that_turns_round_ends() -> None:
    call = subsegment(16, "a", namespace="remote", fault=True)
    looping = view({"name": "a", "parent_id": f"{16:016x}", "fault": True, "subsegments": [call]})
    assert compiled('rootcause.fault.service { index = 0 and name = "a" }')(looping) is True


def test_expression_is_compiled_once_until_a_group_changes() -> None:
    groups = {"mine": "ok"}
    filters = Filters(lambda _key, named: groups.get(named))
    accepts = filters.compiled('group.name = "mine"')
    assert filters.compiled('group.name = "mine"') is accepts
    groups["mine"] = "fault"
    filters.forget()
    assert [accepts(view({"name": "x"})), filters.compiled('group.name = "mine"')(view({"name": "x"}))] == [True, False]
