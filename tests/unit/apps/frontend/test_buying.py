"""From the product to the order: cart, sign-in, checkout, account."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from support.fake_shop_api import PASSWORD, TOKEN, FakeShopApi, Reply
from support.pages import read_page
from support.visits import page_of, send
from werkzeug.test import TestResponse

ADDRESS = {"name": "Ada", "street": "Main Street 1", "postal_code": "10117", "city": "Berlin", "country": "DE"}


def put_in_cart(client: FlaskClient, slug: str, quantity: int = 1) -> TestResponse:
    return send(client, f"/products/{slug}", "/cart", quantity=str(quantity))


def sign_in(client: FlaskClient, path: str = "/auth/login", password: str = PASSWORD) -> TestResponse:
    return send(client, path, "/auth/login", email="ada@example.com", password=password)


@pytest.fixture
def buyer(client: FlaskClient) -> FlaskClient:
    """Signed in, with two mugs in the cart."""
    sign_in(client)
    put_in_cart(client, "mug-1", 2)
    return client


def test_cart_shows_lines_with_sums(client: FlaskClient) -> None:
    assert put_in_cart(client, "mug-1", 2).location == "/cart"
    put_in_cart(client, "mug-2")
    page = page_of(client, "/cart")
    assert [line.one("p", class_="sum").text for line in page.one("ul", class_="lines").all("li")] == [
        "€23.80",
        "€12.90",
    ]
    assert page.one("p", class_="total").text == "Total €36.70"
    assert page.one("span", class_="count").text == "3 pieces"


def test_cart_line_is_changed_and_taken_out(client: FlaskClient) -> None:
    put_in_cart(client, "mug-1")
    send(client, "/cart", "/cart/lines", quantity="3")
    assert page_of(client, "/cart").one("input", name="quantity", type="number").attributes["value"] == "3"
    removal = page_of(client, "/cart").form("/cart/lines", position=1)
    assert client.post("/cart/lines", data=removal).status_code == 303
    assert page_of(client, "/cart").one("p", class_="empty")


def test_cart_grants_no_more_than_there_is(client: FlaskClient) -> None:
    put_in_cart(client, "mug-1", 9)
    put_in_cart(client, "mug-1", 9)
    page = page_of(client, "/cart")
    assert page.one("div", role="status").text == "There are only 10 of Mug No. 1 to be had."
    assert page.one("span", class_="count").text == "10 pieces"


def test_cart_says_when_it_is_full(client: FlaskClient) -> None:
    for number in range(1, 22):
        put_in_cart(client, f"mug-{number}")
    page = page_of(client, "/cart")
    assert page.one("span", class_="count").text == "20 pieces"
    assert "20 different products at most" in page.one("div", role="status").text


def test_full_cart_fits_into_a_cookie(client: FlaskClient, api: FakeShopApi) -> None:
    for number, product in enumerate(api.products):
        product["id"] = 10**15 + 7919 * number
    sign_in(client)
    for number in range(1, 21):
        put_in_cart(client, f"mug-{number}")
    cookie = client.get_cookie("shop")
    assert cookie is not None
    assert len(cookie.value) < 3000


def test_product_that_is_no_longer_sold_leaves_the_cart(client: FlaskClient, api: FakeShopApi) -> None:
    put_in_cart(client, "mug-1")
    put_in_cart(client, "mug-2")
    client.get("/cart")
    del api.products[0]
    page = page_of(client, "/cart")
    assert len(page.one("ul", class_="lines").all("li")) == 1
    assert "no longer sold" in page.one("div", role="status").text
    assert page_of(client, "/").one("span", class_="count").text == "1 piece"


@pytest.mark.parametrize("quantity", ["", "two", "-1", "1.5", "99999", "²"])
def test_quantity_that_is_none_is_no_server_error(client: FlaskClient, quantity: str) -> None:
    response = send(client, "/products/mug-1", "/cart", quantity=quantity)
    assert response.status_code == 400
    assert "no whole number" in read_page(response.text).one("main").text


def test_checkout_asks_to_sign_in_and_comes_back(client: FlaskClient) -> None:
    put_in_cart(client, "mug-1")
    response = client.get("/checkout")
    assert (response.status_code, response.location) == (303, "/auth/login?next=/checkout")
    assert sign_in(client, response.location).location == "/checkout"
    assert page_of(client, "/checkout").one("input", name="name").attributes["value"] == "Ada Lovelace"


def test_checkout_orders_what_is_in_the_cart(buyer: FlaskClient, api: FakeShopApi) -> None:
    response = send(buyer, "/checkout", "/checkout", **ADDRESS)
    assert (response.status_code, response.location) == (303, "/orders/1")
    order = api.calls[-1]
    item = {"product_id": 1, "quantity": 2, "unit_price": "11.90"}
    assert order.body == {"items": [item], "shipping_address": ADDRESS}
    assert order.headers["authorization"] == f"Bearer {TOKEN}"
    page = page_of(buyer, "/orders/1")
    assert page.one("h1").text == "Order DO-000001"
    assert "22 November 2026" in page.one("main").text
    assert page.one("span", class_="count").text == "0 pieces"


def test_second_click_orders_once(buyer: FlaskClient, api: FakeShopApi) -> None:
    form = page_of(buyer, "/checkout").form("/checkout") | ADDRESS
    cookie = buyer.get_cookie("shop")
    assert cookie is not None
    first = buyer.post("/checkout", data=form)
    after = buyer.post("/checkout", data=form)
    buyer.set_cookie("shop", cookie.value)
    at_the_same_time = buyer.post("/checkout", data=form)
    assert first.location == after.location == at_the_same_time.location == "/orders/1"
    assert len(api.orders) == 1


def test_form_of_another_cart_orders_nothing(buyer: FlaskClient, api: FakeShopApi) -> None:
    form = page_of(buyer, "/checkout").form("/checkout") | ADDRESS
    put_in_cart(buyer, "mug-2")
    response = buyer.post("/checkout", data=form)
    page = read_page(response.text)
    assert response.status_code == 422
    assert "Your cart has changed" in page.one("div", role="alert").text
    assert api.orders == {}
    assert buyer.post("/checkout", data=page.form("/checkout")).location == "/orders/1"


def test_order_tells_the_price_that_was_shown_and_a_new_one_is_shown_again(
    buyer: FlaskClient, api: FakeShopApi
) -> None:
    form = page_of(buyer, "/checkout").form("/checkout") | ADDRESS
    api.products[0]["price"] = "15.00"
    api.fail("/api/orders", 409, "price_changed", "Mug No. 1 costs 15.00 EUR now")
    page = read_page(buyer.post("/checkout", data=form).text)
    assert api.calls[-2].body["items"][0]["unit_price"] == "11.90"
    assert "Mug No. 1 costs 15.00 EUR now." in page.one("div", role="alert").text
    del api.replies["/api/orders"]
    assert buyer.post("/checkout", data=page.form("/checkout")).location == "/orders/1"
    assert api.calls[-1].body["items"][0]["unit_price"] == "15.00"


def test_wrong_fields_are_said_beside_them(buyer: FlaskClient, api: FakeShopApi) -> None:
    response = send(buyer, "/checkout", "/checkout", **ADDRESS | {"city": " ", "country": "XX", "street": "s" * 201})
    page = read_page(response.text)
    assert response.status_code == 422
    for name, message in (
        ("city", "City is missing."),
        ("country", "Choose one of the list for country."),
        ("street", "Street and number has more than 200 characters."),
    ):
        control = (page.all("input", name=name) + page.all("select", name=name))[0]
        assert control.attributes["aria-invalid"] == "true"
        assert page.one("p", id=control.attributes["aria-describedby"]).text == message
        assert page.one("div", role="alert").one("a", href=f"#{name}").text == message
    assert page.one("input", name="postal_code").attributes["value"] == "10117"
    assert api.orders == {}


@pytest.mark.parametrize(
    ("status", "fields", "where", "message"),
    [
        (400, {"postal_code": "must be real"}, "postal_code-problem", "Must be real."),
        (409, {"items": "product 1: only 1 left"}, None, "Only 1 of Mug No. 1 left."),
        (422, {}, None, "Only 1 of Mug No. 1 left."),
    ],
)
def test_refusal_of_an_order_is_shown_in_the_form(
    buyer: FlaskClient, api: FakeShopApi, status: int, fields: dict[str, str], where: str | None, message: str
) -> None:
    api.fail("/api/orders", status, "refused", "only 1 of Mug No. 1 left", **fields)
    response = send(buyer, "/checkout", "/checkout", **ADDRESS)
    page = read_page(response.text)
    assert response.status_code == 422
    assert page.one("p", id=where).text == message if where else message in page.one("div", role="alert").text
    assert page_of(buyer, "/").one("span", class_="count").text == "2 pieces"


def test_checkout_of_an_empty_cart_leads_to_the_cart(client: FlaskClient) -> None:
    sign_in(client)
    assert client.get("/checkout").location == "/cart"


def test_wrong_password_is_said_and_not_repeated(client: FlaskClient) -> None:
    response = sign_in(client, password="wrong")
    page = read_page(response.text)
    assert response.status_code == 422
    assert "E-mail address or password is wrong." in page.one("div", role="alert").text
    assert page.one("input", name="email").attributes["value"] == "ada@example.com"
    assert "value" not in page.one("input", name="password").attributes


def test_register_makes_an_account_and_signs_in(client: FlaskClient) -> None:
    values = {"name": "Grace", "email": "grace@example.com", "password": "long enough"}
    response = send(client, "/auth/register?next=/cart", "/auth/register", **values)
    assert response.location == "/cart"
    assert page_of(client, "/cart").one("nav", aria_label="You").all("a")[0].text == "Account"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"email": "taken@example.com"}, "email", "There is an account with this address already. Sign in instead?"),
        ({"email": "nobody"}, "email", "Write the address as name@example.com."),
        ({"password": "short"}, "password", "Password needs at least 8 characters."),
        ({"name": "\x00\x01"}, "name", "Full name is missing."),
    ],
)
def test_register_says_what_is_wrong(client: FlaskClient, changes: dict[str, str], field: str, message: str) -> None:
    values = {"name": "Grace", "email": "grace@example.com", "password": "long enough"} | changes
    response = send(client, "/auth/register", "/auth/register", **values)
    assert response.status_code == 422
    assert read_page(response.text).one("p", id=f"{field}-problem").text == message


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y", ""]
)
def test_sign_in_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    values = {"email": "ada@example.com", "password": PASSWORD, "next": elsewhere}
    assert send(client, "/auth/login", "/auth/login", **values).location == "/account"


def test_sign_out_ends_the_session_here_and_there(buyer: FlaskClient, api: FakeShopApi) -> None:
    assert send(buyer, "/logout", "/logout").location == "/"
    assert (api.calls[-1].method, api.calls[-1].path) == ("POST", "/api/auth/logout")
    assert buyer.get("/account").location == "/auth/login?next=/account"
    assert page_of(buyer, "/").one("span", class_="count").text == "0 pieces"


def test_sign_out_works_without_the_backend(buyer: FlaskClient, api: FakeShopApi) -> None:
    api.fail("/api/auth/logout", 503)
    assert send(buyer, "/logout", "/logout").location == "/"
    assert buyer.get("/account").location == "/auth/login?next=/account"


def test_token_that_holds_no_longer_leads_to_sign_in_and_keeps_the_cart(buyer: FlaskClient, api: FakeShopApi) -> None:
    api.fail("/api/auth/me", 401)
    assert buyer.get("/account").location == "/auth/login?next=/account"
    page = page_of(buyer, "/")
    assert page.one("nav", aria_label="You").all("a")[0].text == "Sign in"
    assert page.one("span", class_="count").text == "2 pieces"


def test_order_is_cancelled(buyer: FlaskClient) -> None:
    send(buyer, "/checkout", "/checkout", **ADDRESS)
    assert send(buyer, "/orders/1", "/orders/1/cancel").location == "/orders/1"
    page = page_of(buyer, "/orders/1")
    assert page.one("span", class_="state").text == "cancelled"
    assert not page.all("form", action="/orders/1/cancel")


def test_order_that_cannot_be_cancelled_says_so(buyer: FlaskClient, api: FakeShopApi) -> None:
    send(buyer, "/checkout", "/checkout", **ADDRESS)
    api.fail("/api/orders/1/cancel", 409, message="It is on its way.")
    send(buyer, "/orders/1", "/orders/1/cancel")
    assert "It is on its way." in page_of(buyer, "/orders/1").one("div", role="status").text


def test_account_lists_orders(buyer: FlaskClient) -> None:
    assert page_of(buyer, "/account").one("h1").text == "Hello, Ada Lovelace"
    assert page_of(buyer, "/account/orders").one("p", class_="empty")
    send(buyer, "/checkout", "/checkout", **ADDRESS)
    link = page_of(buyer, "/account/orders").one("ul", class_="orders").one("a")
    assert (link.text, link.attributes["href"]) == ("Order DO-000001", "/orders/1")


def test_anothers_order_is_not_found(buyer: FlaskClient) -> None:
    assert buyer.get("/orders/77").status_code == 404


def test_too_many_tries_are_told_to_wait(client: FlaskClient, api: FakeShopApi) -> None:
    error = {"success": False, "error": {"code": "rate_limited", "message": "slow down"}}
    api.replies["/api/auth/login"] = lambda call: Reply(429, error, {"Retry-After": "77"})
    response = sign_in(client)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "77")
    assert read_page(response.text).one("h1").text == "One moment, please"


def test_order_shows_where_it_goes_and_how_far_it_is(buyer: FlaskClient) -> None:
    send(buyer, "/checkout", "/checkout", **ADDRESS)
    page = page_of(buyer, "/orders/1")
    assert page.one("address").text == "Ada Main Street 1 10117 Berlin Germany"
    assert page.one("li", aria_current="step").text == "Placed"
    assert page.one("p", class_="lead")
    assert not page_of(buyer, "/orders/1").all("p", class_="lead")
