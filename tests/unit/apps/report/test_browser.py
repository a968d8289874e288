"""The page in a real browser, opened from disk: no network, no console error, every figure where it belongs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from report.__main__ import main
from support.browser import chromium
from support.report_pages import look_up
from support.run_load import Story
from support.run_parts import run_parts, write_parts

STORIES = {"passed": Story(), "failed": Story(errors=True), "bare": Story(traces=False, metrics=False)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _run_dir(tmp_path: Path, story: Story) -> Path:
    write_parts(tmp_path, run_parts(story))
    assert main(["build", str(tmp_path)]) == 0
    return tmp_path


def _open(page: Page, run_dir: Path) -> list[str]:
    """Opens the report; what it asks for or complains about from then on ends up in the list."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("request", lambda request: trouble.append(request.url))
    page.goto((run_dir / "report.html").as_uri())
    own = (run_dir / "report.html").as_uri()
    trouble[:] = [item for item in trouble if item != own and not item.startswith("data:")]
    return trouble


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_page_opens_from_disk_without_network_or_complaint(browser: Browser, tmp_path: Path, story: Story) -> None:
    page = browser.new_page()
    assert _open(page, _run_dir(tmp_path, story)) == []
    page.close()


def test_figures_in_the_browser_are_those_of_the_record(browser: Browser, tmp_path: Path) -> None:
    run_dir = _run_dir(tmp_path, Story())
    record = json.loads((run_dir / "run.json").read_text())
    page = browser.new_page()
    _open(page, run_dir)
    collect = "all => all.map(e => [e.dataset.key, JSON.parse(e.dataset.value), e.textContent])"
    shown = page.locator("[data-key]").evaluate_all(collect)
    assert len(shown) > 100
    assert [(key, value) for key, value, _ in shown] == [(key, look_up(record, key)) for key, _, _ in shown]
    assert page.locator('.headline [data-key="result.requests"]').inner_text() == "29,259"
    page.close()


def test_pointer_reads_all_charts_at_one_moment(browser: Browser, tmp_path: Path) -> None:
    run_dir = _run_dir(tmp_path, Story())
    series = json.loads((run_dir / "run.json").read_text())["result"]["series"]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    trouble = _open(page, run_dir)
    page.locator('[data-panel="latency"] svg').hover(position={"x": 300, "y": 60}, force=True)
    at = page.locator('[data-panel="latency"] svg').evaluate("e => 300 / e.getBoundingClientRect().width")
    point = series[int(at * 60)]
    assert page.locator('[data-panel="users"] output').inner_text() == str(point["users"])
    assert page.locator('[data-panel="requests_per_second"] output').inner_text() == f"{point['requests']} /s"
    assert page.locator('[data-panel="pod_cpu_utilization"] output').first.inner_text().endswith("%")
    assert trouble == []
    page.close()


def test_routes_sort_by_a_click_on_a_heading(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    trouble = _open(page, _run_dir(tmp_path, Story()))
    page.get_by_role("button", name="p95").click()
    first = page.locator("table.sortable tbody tr").first
    assert "/api/auth/login" in first.inner_text()
    assert page.locator('table.sortable th[aria-sort="descending"]').inner_text().startswith("p95")
    assert trouble == []
    page.close()


def test_dot_of_a_slow_request_opens_its_trace(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    _open(page, _run_dir(tmp_path, Story()))
    dot = page.locator("a.dot").nth(3)
    target = page.locator(str(dot.get_attribute("href")))
    assert target.get_attribute("open") is None
    dot.click()
    page.wait_for_function("e => e.open", arg=target.element_handle())
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_trace_is_a_table_to_a_screen_reader(browser: Browser, tmp_path: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    _open(page, _run_dir(tmp_path, Story()))
    table = page.get_by_role("table", name="its parts in the order of their starts").first
    assert table.get_by_role("columnheader").all_inner_texts()[-2:] == ["Took, ms", "Own, ms"]
    first = table.get_by_role("row").nth(1)
    told = " ".join(first.get_by_role("rowheader").inner_text().split())
    assert told == "level 1, served by ecommerce-frontend 200 GET /products"
    assert first.get_by_role("cell").all_inner_texts()[1:] == ["146.0", "14.6"]
    assert table.get_by_role("row").last.get_by_role("cell").last.inner_text() == "146.0"
    page.close()


def test_trace_opens_by_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    _open(page, _run_dir(tmp_path, Story()))
    trace = page.locator("details.trace").nth(1)
    trace.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert trace.get_attribute("open") is not None
    page.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_page_is_no_wider_than_its_window(browser: Browser, tmp_path: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    _open(page, _run_dir(tmp_path, Story(errors=True)))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(browser: Browser, tmp_path: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    _open(page, _run_dir(tmp_path, Story(errors=True)))
    poor = page.evaluate(CONTRAST)
    assert poor == []
    page.close()


# Contrast of text to the nearest background below it: 4.5 by WCAG 2.2, success criterion 1.4.3.
CONTRAST = """() => {
  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("main *, footer, header.top *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("svg") || !element.checkVisibility()) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const name = `${element.className || element.tagName} ${element.textContent.trim().slice(0, 20)}`;
    if (ratio < 4.5) poor.add(`${name} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""
