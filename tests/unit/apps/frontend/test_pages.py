"""What a visitor sees and what that costs the backend."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from support.fake_shop_api import FakeShopApi, make_product
from support.pages import Element, read_page

PUBLIC_PAGES = (
    "/",
    "/products",
    "/products/mug-3",
    "/categories",
    "/categories/mugs",
    "/search",
    "/search?q=mug",
    "/search?q=nothing-like-it",
    "/cart",
    "/auth/login",
    "/auth/register",
    "/logout",
)
PAGES_WITHOUT_ANSWER = (
    "/nowhere",
    "/products/none",
    "/products/a b",
    "/categories/none",
    "/orders/../x",
    "/products/%ff",
)


def get(client: FlaskClient, path: str, status: int = 200) -> Element:
    response = client.get(path)
    assert response.status_code == status
    return read_page(response.text)


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_page_is_small_whole_and_has_its_landmarks(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    page = read_page(response.text)
    assert response.status_code == 200
    assert len(response.data) < 50_000
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("title").text.endswith("Fathom")
    assert len(page.all("h1")) == 1
    assert page.all("a")[0].attributes["href"] == "#" + page.one("main").attributes["id"]
    assert not page.all("script")


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_every_control_has_a_name_and_every_picture_an_alternative(client: FlaskClient, path: str) -> None:
    page = get(client, path)
    labelled = {label.attributes["for"] for label in page.all("label")}
    controls = [item for item in page.all("input") + page.all("select") if item.attributes.get("type") != "hidden"]
    assert {control.attributes["id"] for control in controls} == labelled
    assert all("alt" in picture.attributes for picture in page.all("img"))
    tags = ("input", "select", "h2", "main", "p")
    identities = [item.attributes["id"] for tag in tags for item in page.all(tag) if "id" in item.attributes]
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("/", ["/api/catalog/products"]),
        ("/products?page=2", ["/api/catalog/products"]),
        ("/products/mug-3", ["/api/catalog/products/mug-3"]),
        ("/categories", []),
        ("/categories/mugs", ["/api/catalog/products"]),
        ("/search?q=mug", ["/api/search"]),
        ("/cart", []),
        ("/auth/login", []),
        ("/api/health", []),
    ],
)
def test_page_asks_the_backend_once_at_most(client: FlaskClient, api: FakeShopApi, path: str, calls: list[str]) -> None:
    client.get("/categories")
    api.calls.clear()
    assert client.get(path).status_code == 200
    assert api.paths() == calls


def test_calls_share_one_connection(client: FlaskClient, api: FakeShopApi) -> None:
    client.get("/categories")
    before = api.connections
    for path in ("/", "/products", "/search?q=mug"):
        client.get(path)
    assert api.connections == before


def test_categories_are_asked_again_when_their_time_is_over(make_app, api: FakeShopApi) -> None:  # type: ignore[no-untyped-def]
    client = make_app(categories_ttl_seconds=0).test_client()
    client.get("/categories")
    client.get("/categories")
    assert sorted(api.paths()) == ["/api/catalog/categories"] * 2 + ["/api/search/popular"] * 2


def test_product_list_shows_products_in_pages(client: FlaskClient) -> None:
    page = get(client, "/products?page=2&sort=price_asc&min_price=5&max_price=99,50")
    assert len(page.all("li", class_="card")) == 30 - 24
    previous = page.one("a", rel="prev").attributes["href"]
    assert previous == "/products?sort=price_asc&min_price=5.00&max_price=99.50"
    assert not page.all("a", rel="next")


def test_product_list_passes_on_what_was_chosen(client: FlaskClient, api: FakeShopApi) -> None:
    get(client, "/categories/mugs?sort=newest&min_price=5&page=3")
    [query] = [call.query for call in api.calls if call.path == "/api/catalog/products"]
    assert query == {"page": "3", "limit": "24", "category": "mugs", "sort": "newest", "min_price": "5.00"}


@pytest.mark.parametrize("price", ["x", "-1", "NaN", "1e400", "Infinity", "٣"])
def test_price_that_is_none_is_said_beside_its_field(client: FlaskClient, api: FakeShopApi, price: str) -> None:
    page = get(client, f"/products?min_price={price}&sort=upwards&page=none")
    field = page.one("input", name="min_price")
    asked = next(call for call in api.calls if call.path == "/api/catalog/products")
    if price != "٣":
        assert page.one("p", id=field.attributes["aria-describedby"]).text.startswith("Write a price")
        assert "min_price" not in asked.query
    assert (asked.query["page"], "sort" in asked.query) == ("1", False)


def test_price_range_upside_down_is_said(client: FlaskClient) -> None:
    page = get(client, "/products?min_price=9&max_price=3")
    assert page.one("p", id="max_price-problem").text == "This is below the lowest price."


def test_product_page_escapes_what_the_backend_says(client: FlaskClient, api: FakeShopApi) -> None:
    api.products.append(make_product(99, slug="bad", name="<script>alert(1)</script>", description='"><img src=x>'))
    page = get(client, "/products/bad")
    assert page.one("h1").text == "<script>alert(1)</script>"
    assert not page.all("script")
    assert page.one("p", class_="description").text == '"><img src=x>'


def test_sold_out_product_cannot_be_bought(client: FlaskClient, api: FakeShopApi) -> None:
    api.products.append(make_product(99, slug="gone", stock=0))
    page = get(client, "/products/gone")
    assert not page.all("form", action="/cart")
    assert page.one("p", class_="stock out").text == "Sold out at the moment"


def test_search_that_finds_nothing_suggests_other_words(client: FlaskClient) -> None:
    page = get(client, "/search?q=<b>teaput")
    assert page.one("h1").text == "Nothing found for “<b>teaput”"
    assert [link.text for link in page.one("ul", class_="chips").all("a")] == ["mug", "teapot"]


def test_empty_search_shows_what_is_popular(client: FlaskClient) -> None:
    page = get(client, "/search?q=%20%00")
    links = page.one("ul", class_="chips").all("a")
    assert [link.attributes["href"] for link in links] == ["/search?q=mug", "/search?q=coat%20%26%20hat"]


def test_category_shows_its_way_and_its_children(client: FlaskClient) -> None:
    trail = get(client, "/categories/mugs").one("nav", class_="trail")
    assert [link.text for link in trail.all("a")] == ["Categories", "Kitchen"]
    shelves = get(client, "/categories/kitchen").one("nav", class_="chips")
    assert [link.attributes["href"] for link in shelves.all("a")] == ["/categories/mugs"]


@pytest.mark.parametrize("path", PAGES_WITHOUT_ANSWER)
def test_unknown_page_gets_a_friendly_404(client: FlaskClient, path: str) -> None:
    assert get(client, path, 404).one("h1").text == "Nothing here"


def test_pictures_are_svg_that_a_browser_keeps(client: FlaskClient) -> None:
    sources = [picture.attributes["src"] for picture in get(client, "/products").all("img")]
    first, second = (client.get(source) for source in sources[:2])
    assert first.content_type == "image/svg+xml"
    assert first.cache_control.public
    assert (first.cache_control.max_age or 0) >= 30 * 24 * 3600
    assert read_page(first.text).one("svg").attributes["viewbox"] == "0 0 200 200"
    assert first.data != second.data
    assert first.data == client.get(sources[0]).data


@pytest.mark.parametrize("path", ["/static/pictures/a/b.png", "/static/pictures/a/<b>.svg", "/static/pictures/a/.svg"])
def test_picture_of_nothing_is_not_drawn(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_stylesheet_is_kept_under_an_address_of_its_content(client: FlaskClient) -> None:
    address = get(client, "/").one("link", rel="stylesheet").attributes["href"]
    response = client.get(address)
    assert response.status_code == 200
    assert "?v=" in address
    assert (response.cache_control.max_age or 0) >= 30 * 24 * 3600


def test_health_asks_nobody(client: FlaskClient, api: FakeShopApi) -> None:
    assert json.loads(client.get("/api/health").text) == {"status": "ok"}
    assert api.calls == []


def test_search_is_sorted_and_narrowed(client: FlaskClient, api: FakeShopApi) -> None:
    page = get(client, "/search?q=mug&sort=price_asc&min_price=5")
    assert api.calls[-1].query == {"q": "mug", "page": "1", "limit": "24", "sort": "price_asc", "min_price": "5.00"}
    assert page.form("/search", position=1) == {"q": "mug", "sort": "price_asc", "min_price": "5", "max_price": ""}
    assert page.one("a", rel="next").attributes["href"] == "/search?q=mug&sort=price_asc&min_price=5.00&page=2"


def test_search_field_suggests_popular_terms_on_every_page(client: FlaskClient) -> None:
    get(client, "/")
    page = get(client, "/auth/login")
    suggested = page.one("datalist", id=page.one("input", id="search").attributes["list"])
    assert [option.text for option in suggested.all("option")] == ["mug", "coat & hat"]


def test_page_does_without_popular_terms(client: FlaskClient, api: FakeShopApi) -> None:
    api.fail("/api/search/popular", 503)
    assert not get(client, "/").one("datalist").all("option")


def test_first_page_with_its_style_sheet_is_under_50_kb(client: FlaskClient) -> None:
    page = client.get("/")
    style = client.get(read_page(page.text).one("link", rel="stylesheet").attributes["href"])
    assert len(page.data) + len(style.data) < 50_000
