"""The key of the session cookie is replaced while the shop is served, and no visitor loses a cart over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.pages import read_page

MakeApp = Callable[..., Flask]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    (made / "1").write_bytes(b"1" * 32)
    return made


def _take_a_mug(client: FlaskClient) -> None:
    client.post("/cart", data=read_page(client.get("/products/mug-1").text).form("/cart"))


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("shop")
    assert cookie is not None
    return cookie.value


def _pieces(app: Flask, cookie: str) -> str:
    client = app.test_client()
    client.set_cookie("shop", cookie)
    return read_page(client.get("/").text).one("span", class_="count").text


def test_cookie_holds_while_its_key_is_there(make_app: MakeApp, folder: Path) -> None:
    client = make_app(session_key_file=folder).test_client()
    _take_a_mug(client)
    (folder / "2").write_bytes(b"2" * 32)
    assert _pieces(make_app(session_key_file=folder), _cookie(client)) == "1 piece"
    (folder / "1").unlink()
    assert _pieces(make_app(session_key_file=folder), _cookie(client)) == "0 pieces"


def test_cookie_of_another_process_newest_key_is_known_at_once(make_app: MakeApp, folder: Path) -> None:
    waiting = make_app(session_key_file=folder)
    (folder / "2").write_bytes(b"2" * 32)
    ahead = make_app(session_key_file=folder).test_client()
    _take_a_mug(ahead)
    assert _pieces(waiting, _cookie(ahead)) == "1 piece"


def test_changed_session_is_signed_with_the_current_key(make_app: MakeApp, folder: Path) -> None:
    client = make_app(session_key_file=folder).test_client()
    _take_a_mug(client)
    (folder / "2").write_bytes(b"2" * 32)
    moved = make_app(session_key_file=folder).test_client()
    moved.set_cookie("shop", _cookie(client))
    _take_a_mug(moved)
    (folder / "1").unlink()
    assert _pieces(make_app(session_key_file=folder), _cookie(moved)) == "2 pieces"
