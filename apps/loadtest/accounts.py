"""The shared accounts' tokens: one login for each account, however many users share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock

from loadtest.plan import Account

_RENEW_BEFORE_SECONDS = 30.0

Login = Callable[[Account], tuple[str, float] | None]
"""Logs an account in: its token and the seconds it is good for, or None when that failed."""


class SharedAccount:
    """An account whose users wait for one login and share its token."""

    def __init__(self, account: Account, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._lock = Lock()
        self._token: str | None = None
        self._good_until = 0.0
        self._attempts = 0

    def token(self, login: Login) -> str | None:
        """The token, by `login` if there is none.

        None when the login failed, also when it was another user's that this one waited for: users who share an
        account do not try one after another.
        """
        attempts_before = self._attempts
        with self._lock:
            if not self._is_good() and self._attempts == attempts_before:
                self._attempts += 1
                self._accept(login(self._account))
            return self._token if self._is_good() else None

    def forget(self, token: str) -> None:
        """Drops a token which the backend refused; a newer one stays."""
        if self._token == token:
            self._token = None

    def _is_good(self) -> bool:
        return self._token is not None and self._clock() < self._good_until

    def _accept(self, answer: tuple[str, float] | None) -> None:
        if answer is None:
            self._token = None
            return
        self._token, lifetime_seconds = answer
        self._good_until = self._clock() + max(lifetime_seconds - _RENEW_BEFORE_SECONDS, lifetime_seconds / 2)


class SharedAccounts:
    """All accounts; user number n has account n modulo their number."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = [SharedAccount(account) for account in accounts]

    def of_user(self, number: int) -> SharedAccount:
        return self._accounts[number % len(self._accounts)]
