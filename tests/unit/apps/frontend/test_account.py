"""The account: its password, and where it is signed in."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from support.fake_shop_api import PASSWORD, FakeShopApi
from support.pages import read_page
from support.visits import page_of, send


@pytest.fixture
def buyer(client: FlaskClient) -> FlaskClient:
    """Signed in."""
    send(client, "/auth/login", "/auth/login", email="ada@example.com", password=PASSWORD)
    return client


def test_password_is_changed_and_the_session_goes_on(buyer: FlaskClient, api: FakeShopApi) -> None:
    values = {"current_password": PASSWORD, "new_password": "another long one"}
    assert send(buyer, "/account/password", "/account/password", **values).location == "/account"
    assert api.calls[-1].body == values
    assert "Everywhere else you are signed out" in page_of(buyer, "/account").one("div", role="status").text


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"current_password": "wrong"}, "current_password", "This is not your current password."),
        ({"new_password": "short"}, "new_password", "New password needs at least 8 characters."),
        ({"current_password": ""}, "current_password", "Current password is missing."),
    ],
)
def test_change_of_password_says_what_is_wrong(
    buyer: FlaskClient, values: dict[str, str], field: str, message: str
) -> None:
    sent = {"current_password": PASSWORD, "new_password": "another long one"} | values
    response = send(buyer, "/account/password", "/account/password", **sent)
    page = read_page(response.text)
    assert response.status_code == 422
    assert page.one("p", id=f"{field}-problem").text == message
    assert page.one("title").text.startswith("Error: ")
    assert not [item for item in page.all("input", type="password") if "value" in item.attributes]


def test_sessions_are_ended_one_by_one_or_all_but_this(buyer: FlaskClient, api: FakeShopApi) -> None:
    page = page_of(buyer, "/account")
    assert len(page.one("ul", class_="plain-list sessions").all("li")) == 3
    assert not page.all("form", action="/account/sessions/here/end")
    form = page.form("/account/sessions/phone/end")
    assert buyer.post("/account/sessions/phone/end", data=form).location == "/account"
    assert [session["id"] for session in api.sessions] == ["here", "desk"]
    buyer.post("/account/sessions/phone/end", data=form)
    assert "signed out there already" in page_of(buyer, "/account").one("main").text
    buyer.post("/account/sessions/end", data=form)
    assert [session["id"] for session in api.sessions] == ["here"]
    assert not page_of(buyer, "/account").all("form", action="/account/sessions/end")
