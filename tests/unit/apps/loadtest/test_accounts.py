"""Users who share an account share one login."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from loadtest.accounts import SharedAccount, SharedAccounts
from loadtest.plan import Account

_ACCOUNT = Account("a@example.com", "password")


def test_users_share_one_login() -> None:
    account, logins, users = SharedAccount(_ACCOUNT), [], 8
    together = threading.Barrier(users)

    def login(who: Account) -> tuple[str, float]:
        logins.append(who)
        return "token", 3600

    def user(_: int) -> str | None:
        together.wait()
        return account.token(login)

    with ThreadPoolExecutor(users) as pool:
        assert set(pool.map(user, range(users))) == {"token"}
    assert logins == [_ACCOUNT]


def test_failed_login_gives_no_token_and_may_be_tried_again() -> None:
    account = SharedAccount(_ACCOUNT)
    assert account.token(lambda _: None) is None
    assert account.token(lambda _: ("token", 3600)) == "token"


def test_token_is_renewed_before_it_ends() -> None:
    now = [0.0]
    account = SharedAccount(_ACCOUNT, clock=lambda: now[0])
    assert account.token(lambda _: ("old", 3600)) == "old"
    now[0] = 3569
    assert account.token(lambda _: ("new", 3600)) == "old"
    now[0] = 3571
    assert account.token(lambda _: ("new", 3600)) == "new"


def test_only_the_refused_token_is_forgotten() -> None:
    account = SharedAccount(_ACCOUNT)
    account.token(lambda _: ("token", 3600))
    account.forget("an older one")
    assert account.token(lambda _: ("new", 3600)) == "token"
    account.forget("token")
    assert account.token(lambda _: ("new", 3600)) == "new"


def test_accounts_go_round_among_the_users() -> None:
    accounts = SharedAccounts([_ACCOUNT, Account("b@example.com", "password")])
    assert accounts.of_user(0) is accounts.of_user(2) is not accounts.of_user(1)
