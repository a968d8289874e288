"""Accounts: signing in, registering, who one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frontend.client import BackendClient, segment
from frontend.models import SignedIn, SignIn, User, parse_sign_in, parse_signed_in, parse_user


@dataclass(frozen=True)
class Accounts:
    """The backend's accounts; every method raises BackendRefused with field errors where the input does not fit."""

    client: BackendClient

    def sign_in(self, email: str, password: str) -> SignIn:
        """Raises BackendRefused with 401 for a wrong password or an unknown address."""
        return self.client.post("/api/auth/login", parse_sign_in, {"email": email, "password": password})

    def register(self, name: str, email: str, password: str) -> SignIn:
        """Makes an account and signs in; raises BackendRefused with 409 when the address is taken."""
        body = {"name": name, "email": email, "password": password}
        return self.client.post("/api/auth/register", parse_sign_in, body)

    def change_password(self, token: str, current: str, new: str) -> SignIn:
        """Ends every session and begins one; raises BackendRefused with 403 when `current` is wrong."""
        body = {"current_password": current, "new_password": new}
        return self.client.post("/api/auth/change-password", parse_sign_in, body, token)

    def sign_out(self, token: str) -> None:
        """Ends the token's session; raises BackendRefused with 401 when it has ended already."""
        self.client.post("/api/auth/logout", _nothing, {}, token)

    def overview(self, token: str) -> tuple[User, tuple[SignedIn, ...]]:
        """Whose token this is, and where the account is signed in, the last used first; asked for at the same time."""
        return self.client.at_once(
            lambda: self.me(token),
            lambda: self.client.get("/api/auth/sessions", parse_signed_in, token=token),
        )

    def sign_out_at(self, token: str, session_id: str) -> None:
        """Ends one of the account's sessions; raises BackendRefused with 404 when it has ended already."""
        self.client.delete(f"/api/auth/sessions/{segment(session_id)}", _nothing, token)

    def sign_out_elsewhere(self, token: str) -> None:
        """Ends all of the account's sessions but the token's."""
        self.client.delete("/api/auth/sessions", _nothing, token)

    def me(self, token: str) -> User:
        """Whose token this is; raises BackendRefused with 401 when it holds no longer."""
        return self.client.get("/api/auth/me", parse_user, token=token)


def _nothing(_unused: Any) -> None:
    """For answers of which only that they came matters."""
