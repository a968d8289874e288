"""What the blueprints share: the shop of this app, cached answers, who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from flask import Flask, Response, current_app, request

from backend.answers import PUBLIC, Answer, answer
from backend.errors import ApiError
from backend.fields import Whole
from backend.hotpath import KEEPING
from backend.services import accounts
from backend.services.accounts import Identity
from backend.services.caching import Public
from backend.services.shop import Shop

_EXTENSION = "shop"
_HIT = {"X-Cache": "hit"}
_MISS = {"X-Cache": "miss"}
# What a contract says of such answers.
X_CACHE = {"X-Cache": "hit or miss: whether the answer came from the cache"}


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list."""

    page: Annotated[int, Whole(1, 10_000), "the page, counted from 1"] = 1
    limit: Annotated[int, Whole(1, 100, example=20), "the most items of a page"] = 20


def set_shop(app: Flask, shop: Shop) -> None:
    """Gives an app its shop."""
    app.extensions[_EXTENSION] = shop


def shop_of(app: Flask) -> Shop:
    """The shop that an app was given."""
    return cast("Shop", app.extensions[_EXTENSION])


def shop() -> Shop:
    """The shop of the app that answers this request."""
    return shop_of(current_app)


def cached(body: bytes, hit: bool) -> Answer:
    """An answer of ready bytes, which says whether they came from the cache."""
    return answer(body, headers=_HIT if hit else _MISS)


def public(found: Public) -> Response:
    """An answer that is the same for everyone, which the hot path may keep for the path and query of this request."""
    request.environ[KEEPING] = found.keeping
    made = cached(found.body, found.hit)
    made.guard = PUBLIC
    return made


def limit_general() -> None:
    """Counts the request against the general limit. Raises ApiError 429."""
    shop().limits.check_general(request.environ)


def identity() -> Identity:
    """Who makes this request. Raises ApiError 401."""
    return accounts.identify(shop(), request.environ)


def admin() -> Identity:
    """The admin who makes this request. Raises ApiError 401, 403."""
    who = identity()
    if who.role != "admin":
        shop().events.tell("forbidden", request.environ, who.user_id)
        raise ApiError(403, "forbidden", "this needs an admin")
    return who
