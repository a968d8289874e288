"""The virtual shoppers: what an iteration of each kind asks for, and the pause after every request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from locust import FastHttpUser, task
from locust.user.task import LOCUST_STATE_STOPPING

from loadtest import routes
from loadtest.accounts import SharedAccount, SharedAccounts
from loadtest.client import RequestBudget, ShopClient, SingleAttemptPool
from loadtest.plan import Account, Plan
from loadtest.recorder import Outcome

_SEARCH_TERMS = json.loads(Path(__file__).with_name("search_terms.json").read_text(encoding="utf-8"))
_LIST_PAGES = 3
_SLUGS_KEPT = 20


@dataclass
class Assortment:
    """The slugs the shop's own answers have named so far, and that pages are asked for by."""

    product_slugs: list[str] = field(default_factory=list)
    category_slugs: list[str] = field(default_factory=list)


@dataclass
class Shop:
    """What all users of one process share. `first_user` and `user_step` keep user numbers apart between processes."""

    plan: Plan
    record: Callable[[Outcome], None]
    budget: RequestBudget
    first_user: int = 0
    user_step: int = 1
    assortment: Assortment = field(default_factory=Assortment)

    def __post_init__(self) -> None:
        self.accounts = SharedAccounts(self.plan.accounts)
        self._numbers = count(self.first_user, self.user_step)

    def next_user_number(self) -> int:
        return next(self._numbers)


class Shopper(FastHttpUser):
    """A user who picks one kind of iteration after another, by the profile's mix."""

    # Redirects are followed by ShopClient, which counts them.
    max_redirects = 0
    # Locust's own, whose type mypy cannot see.
    _state: str | None

    def __init__(self, environment: Any) -> None:
        shop: Shop = environment.shop
        self.client_pool = SingleAttemptPool(shop.plan.request_timeout_seconds)
        super().__init__(environment)
        plan, number = shop.plan, shop.next_user_number()
        self._random = random.Random(f"{plan.seed}:{number}")
        self._assortment = shop.assortment
        self._shared_account: SharedAccount = shop.accounts.of_user(number)
        self._think_time_seconds = plan.profile.think_time_seconds
        self._kinds = [getattr(self, f"_{kind}") for kind in plan.profile.mix]
        self._weights = list(plan.profile.mix.values())
        base_urls = {"frontend": plan.frontend_url, "backend": plan.backend_url}
        self._shop_client = ShopClient(self.client, base_urls, _headers(plan), shop.record, shop.budget)

    def stop(self, force: bool = False) -> bool:
        """Lets a user who thinks end by itself: Locust would kill it, which may hit the request it just began."""
        if force or self._state is None:
            return bool(super().stop(force=force))
        self._state = LOCUST_STATE_STOPPING
        return False

    def on_stop(self) -> None:
        """Closes the user's connections."""
        self.client_pool.close()

    def wait_time(self) -> float:
        """Seconds a user thinks before the next request."""
        return self._random.uniform(*self._think_time_seconds)

    @task
    def iterate(self) -> None:
        """One iteration of a kind that the mix's weights choose."""
        self._random.choices(self._kinds, self._weights)[0]()

    def _products(self) -> None:
        page = self._random.randint(1, _LIST_PAGES)
        verdict = self._shop_client.fetch(routes.PRODUCTS, f"{routes.PRODUCTS.name}?page={page}&limit=20")
        if isinstance(verdict.data, dict):
            _learn_slugs(self._assortment.product_slugs, verdict.data.get("items"))

    def _categories(self) -> None:
        verdict = self._shop_client.fetch(routes.CATEGORIES)
        _learn_slugs(self._assortment.category_slugs, verdict.data)

    def _search(self) -> None:
        self._shop_client.fetch(routes.SEARCH, f"{routes.SEARCH.name}?q={self._term()}")

    def _account(self) -> None:
        token = self._shared_account.token(self._login)
        if token is None:
            return
        bearer = {"Authorization": f"Bearer {token}"}
        if self._shop_client.fetch(routes.ORDERS, headers=bearer).is_refused:
            self._shared_account.forget(token)
            return
        self.wait()
        self._shop_client.fetch(routes.ME, headers=bearer)

    def _login(self, account: Account) -> tuple[str, float] | None:
        """The token and its lifetime in seconds, after the pause that follows every request."""
        verdict = self._shop_client.fetch(routes.LOGIN, json={"email": account.email, "password": account.password})
        match verdict.data:
            case {"token": str(token), "expires_in": int() | float() as lifetime_seconds}:
                return token, lifetime_seconds
        return None

    def _storefront(self) -> None:
        pages = (self._home_page, self._products_page, self._product_page, self._category_page, self._search_page)
        self._random.choice(pages)()

    def _home_page(self) -> None:
        self._shop_client.fetch(routes.HOME_PAGE)

    def _products_page(self) -> None:
        self._shop_client.fetch(routes.PRODUCTS_PAGE)

    def _product_page(self) -> None:
        if not self._assortment.product_slugs:
            self._products()
            self.wait()
        self._page_of(routes.PRODUCT_PAGE, self._assortment.product_slugs)

    def _category_page(self) -> None:
        if not self._assortment.category_slugs:
            self._categories()
            self.wait()
        self._page_of(routes.CATEGORY_PAGE, self._assortment.category_slugs)

    def _search_page(self) -> None:
        self._shop_client.fetch(routes.SEARCH_PAGE, f"{routes.SEARCH_PAGE.name}?q={self._term()}")

    def _page_of(self, route: routes.Route, slugs: list[str]) -> None:
        """Asks for the page of one of the slugs; of none when the shop named none."""
        if slugs:
            slug = quote(self._random.choice(slugs), safe="")
            self._shop_client.fetch(route, route.name.replace("<slug>", slug))

    def _term(self) -> str:
        return quote(self._random.choice(_SEARCH_TERMS))


def _headers(plan: Plan) -> dict[str, str]:
    """What every request bears; bodies come as they are, so that their bytes are those on the wire."""
    headers = {"User-Agent": "deepobs-loadtest", "Accept-Encoding": "identity"}
    return headers | ({"X-Load-Test-Secret": plan.secret} if plan.secret else {})


def _learn_slugs(known: list[str], items: Any) -> None:
    """Keeps the first slugs an answer names; more would only thin out what the shop can cache."""
    if len(known) >= _SLUGS_KEPT or not isinstance(items, list):
        return
    slugs = [item["slug"] for item in items if isinstance(item, dict) and isinstance(item.get("slug"), str)]
    known.extend(slug for slug in slugs[: _SLUGS_KEPT - len(known)] if slug not in known)
