"""The page against the record: equal numbers, nothing from outside, everything escaped, every kind of run."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from report.record import join
from report.render import render_page
from support.report_pages import Page, figures, look_up, parse_page
from support.run_load import Story
from support.run_parts import run_parts

HOSTILE = '<script>alert("x")</script>'
SECTIONS = ("time", "routes", "percentiles", "cache", "pods", "map", "traces", "counts", "cost", "how")


def _record(parts: dict[str, Any]) -> dict[str, Any]:
    return join("20260314T092653Z-demo", parts)


def _page(parts: dict[str, Any]) -> Page:
    return parse_page(render_page(_record(parts)))


def _verdict(page: Page) -> str | None:
    return page.by_id("verdict").attributes["data-verdict"]


@pytest.mark.parametrize("story", [Story(), Story(errors=True), Story(traces=False)], ids=repr)
def test_numbers_on_the_page_are_those_of_the_record(story: Story) -> None:
    record = _record(run_parts(story))
    shown = figures(parse_page(render_page(record)))
    assert [(key, value) for key, value, _ in shown] == [(key, look_up(record, key)) for key, _, _ in shown]
    assert {key for key, _, _ in shown} >= {
        "result.requests",
        "result.requests_per_second",
        "result.error_rate",
        "result.latency_ms.p50",
        "result.latency_ms.p95",
        "result.latency_ms.p99",
        "cache.hits",
        "cache.misses",
        "cache.hit_rate",
        "traces.count",
        "cost.this_test_usd",
        "result.routes.0.requests",
        "reconciliation.0.count",
        *(["service_graph.edges.0.requests"] if story.traces else []),
    }


def test_headline_numbers_read_as_people_write_them() -> None:
    texts = {key: text for key, _, text in figures(_page(run_parts()))}
    assert texts["result.requests"] == "29,259"
    assert texts["result.latency_ms.p95"] == "19.3 ms"
    assert texts["cache.hit_rate"] == "99.92 %"
    assert texts["cost.this_test_usd"] == "$0.1471"


def test_page_asks_for_nothing_from_outside() -> None:
    page = _page(run_parts())
    addresses = [str(element.attributes[name]) for name in ("src", "href") for element in page.with_attribute(name)]
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"url\((?!#)|@import", "".join(style.text for style in page.all("style")))
    (policy,) = (str(meta.attributes["content"]) for meta in page.all("meta") if "http-equiv" in meta.attributes)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_page_is_small_and_the_same_each_time() -> None:
    record = _record(run_parts())
    page = render_page(record)
    assert len(page.encode()) < 300_000
    assert render_page(json.loads(json.dumps(record))) == page


def test_hostile_names_stay_text() -> None:
    parts = run_parts(Story(errors=True))
    parts["load"]["routes"][0]["name"] = HOSTILE
    parts["load"]["errors"][0] |= {"sample": HOSTILE, "kind": HOSTILE}
    parts["load"]["slowest"][0]["route"] = HOSTILE
    parts["system"]["command"] = HOSTILE
    parts["metrics"]["metrics"][0]["dimensions"]["PodName"] = HOSTILE
    parts["metrics"]["metrics"][0]["metric"] = HOSTILE
    parts["traces"]["service_graph"]["edges"][0]["target"] = HOSTILE
    parts["traces"]["slowest"][0]["segments"][0]["name"] = HOSTILE
    parts["traces"]["slowest"][0]["segments"][0]["annotations"]["http_route"] = HOSTILE
    page = _page(parts)
    assert len(page.all("script")) == 2
    assert sum(HOSTILE in cell.text for cell in page.all("td")) >= 4
    assert json.loads(page.by_id("panels").text)[4]["key"] == HOSTILE


def test_passed_run_says_so_first() -> None:
    page = _page(run_parts())
    assert _verdict(page) == "passed"
    heading = next(element for element in page.elements if element.tag in ("h1", "h2", "h3"))
    assert "Passed" in heading.text


def test_failed_run_names_thresholds_and_errors() -> None:
    page = _page(run_parts(Story(errors=True)))
    assert _verdict(page) == "failed"
    text = page.by_id("main").text
    assert "p95 over its limit" in text
    assert "503 Service Unavailable: database connection pool exhausted" in text


def test_run_that_ended_early_says_so() -> None:
    parts = run_parts()
    parts["load"] |= {"partial": True, "passed": False}
    assert "ended early" in _page(parts).by_id("verdict").text


def test_missing_metrics_are_said_with_the_reason() -> None:
    text = _page(run_parts(Story(metrics=False))).by_id("pods").text
    assert "No pod metrics in this run." in text
    assert "no data points in the run's window" in text


def test_metrics_of_another_time_are_not_drawn() -> None:
    parts = run_parts()
    for metric in parts["metrics"]["metrics"]:
        metric["timestamps"] = [moment.replace("2026-03-14", "2026-03-15") for moment in metric["timestamps"]]
    assert "No pod metrics in this run." in _page(parts).by_id("pods").text


def test_metric_source_and_what_could_not_be_measured_are_named() -> None:
    text = _page(run_parts()).by_id("pods").text
    assert "published by this platform's agent" in text
    assert "PostgreSQL counts no network bytes" in text


def test_run_without_traces_has_neither_map_nor_waterfalls() -> None:
    page = _page(run_parts(Story(traces=False)))
    assert "there is no service map" in page.by_id("map").text
    assert "No traces were stored" in page.by_id("traces").text


def test_run_that_measured_nothing_still_has_every_section() -> None:
    parts = run_parts(Story(traces=False, metrics=False))
    load = parts["load"]
    load["latency_ms"] = dict.fromkeys(load["latency_ms"])
    load |= {"routes": [], "series": [], "thresholds": [], "slowest": [], "passed": False, "partial": True}
    load["totals"] |= {"requests": 0, "requests_per_second": 0, "duration_seconds": 0, "bytes_received": 0}
    parts["cache"] |= {"hits": 0, "misses": 0, "total": 0, "hit_rate": None}
    page = _page(parts)
    assert {section.attributes.get("id") for section in page.all("section")} >= set(SECTIONS)


def test_request_through_every_tier_comes_first_and_once() -> None:
    parts = run_parts()
    parts["traces"]["example"] = [parts["traces"]["slowest"][3]]
    drawn = [element.attributes["id"] for element in _page(parts).all("details") if "id" in element.attributes]
    assert len(drawn) == len(set(drawn)) == len(parts["traces"]["slowest"])
    assert drawn[0] == f"trace-{parts['traces']['example'][0]['id']}"


def test_run_in_which_nobody_looked_for_an_example_shows_the_slowest() -> None:
    parts = run_parts()
    del parts["traces"]["example"]
    assert "example_traces" not in _record(parts)
    assert _page(parts).by_id("traces").text.strip().startswith("Slowest traces")


def test_slow_requests_link_to_their_traces() -> None:
    page = _page(run_parts())
    traces = {f"#{trace.attributes['id']}" for trace in page.all("details") if "id" in trace.attributes}
    dots = [str(dot.attributes["href"]) for dot in page.all("a") if dot.attributes.get("class") == "dot"]
    assert len(dots) == 8
    assert set(dots) <= traces


def test_every_chart_has_a_table_or_its_numbers_beside_it() -> None:
    page = _page(run_parts())
    tables = [details.text for details in page.all("details") if details.attributes.get("class") == "table"]
    assert len(tables) == 3
    assert "backend" in tables[1]
    assert "ecommerce-frontend" in tables[2]


def test_long_run_is_drawn_with_bounded_detail() -> None:
    parts = run_parts()
    point = parts["load"]["series"][20]
    parts["load"]["series"] = [point | {"second": second} for second in range(7200)]
    parts["load"]["totals"]["duration_seconds"] = 7200
    record = _record(parts)
    page = parse_page(render_page(record))
    users, requests, *_ = json.loads(page.by_id("panels").text)
    assert len(users["lines"][0]) <= 900
    assert requests["lines"][0][0][1] == point["requests"]
