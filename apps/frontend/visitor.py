"""Who is at the other end: the cart, the sign-in and the form token, all in the signed session cookie."""

from __future__ import annotations

import hmac
import secrets
import time

from flask import request, session
from werkzeug.exceptions import BadRequest, Forbidden

from frontend.cart import Cart
from frontend.edge import tell
from frontend.models import SignIn, User

FORM_TOKEN_FIELD = "form_token"  # noqa: S105 - a field's name
_NOT_FOR_CUSTOMERS = "This page is for those who run the shop."
_SIGN_IN_KEYS = ("token", "until", "user")


class SignInNeeded(Exception):
    """The page is for those who are signed in."""


class FormExpired(BadRequest):
    """A form without this session's token: sent by another site, or from before the session began anew."""

    description = "This form has expired. Go back, reload the page and send it again."


class Visitor:
    """The session in the shop's words. Reading it costs nothing until something is asked."""

    @property
    def cart(self) -> Cart:
        return Cart.from_session(session.get("cart", ()))

    @cart.setter
    def cart(self, cart: Cart) -> None:
        session["cart"] = cart.to_session()
        session.permanent = True

    @property
    def user(self) -> User | None:
        """Who is signed in; None when nobody is or the token's time is over."""
        if session.get("until", 0) <= time.time():
            return None
        return User(*session["user"])

    @property
    def token(self) -> str:
        """The bearer token for the backend; raises SignInNeeded."""
        if self.user is None:
            raise SignInNeeded
        token: str = session["token"]
        return token

    @property
    def admin_token(self) -> str:
        """The token of an admin; raises SignInNeeded, and Forbidden for anybody else."""
        token = self.token
        if self.user is None or not self.user.is_admin:
            raise Forbidden(_NOT_FOR_CUSTOMERS)
        return token

    def sign_in(self, sign_in: SignIn) -> None:
        """Begins a new session, which keeps nothing of the old one but the cart."""
        cart = self.cart
        session.clear()
        session["token"] = sign_in.token
        session["user"] = [sign_in.user.email, sign_in.user.name, sign_in.user.role]
        session["until"] = int(time.time()) + sign_in.expires_in_seconds
        self.cart = cart

    def renew(self, sign_in: SignIn) -> None:
        """Goes on with another token of the same user's."""
        session["token"] = sign_in.token
        session["until"] = int(time.time()) + sign_in.expires_in_seconds

    def sign_out(self) -> None:
        """Ends the session, the cart with it: the next person at this machine is another."""
        session.clear()

    def forget_sign_in(self) -> None:
        """For a token that the backend takes no longer; the cart stays."""
        for key in _SIGN_IN_KEYS:
            session.pop(key, None)

    def ordered(self, key: str, path: str) -> None:
        """Empties the cart and remembers where the form with this key led."""
        self.cart = Cart()
        session["order"] = [key, path]

    def order_made_with(self, key: str) -> str | None:
        """The path of the order that the form with this key made last, if it did."""
        stored_key, path = session.get("order", (None, None))
        return path if stored_key == key else None


def form_token() -> str:
    """The session's token for forms, made when the first form is shown."""
    if FORM_TOKEN_FIELD not in session:
        session[FORM_TOKEN_FIELD] = secrets.token_urlsafe(24)
    token: str = session[FORM_TOKEN_FIELD]
    return token


def check_form_token() -> None:
    """Raises FormExpired for a changing request that does not carry the session's token."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.routing_exception is not None:
        return
    given, expected = request.form.get(FORM_TOKEN_FIELD, ""), session.get(FORM_TOKEN_FIELD, "")
    if not expected or not hmac.compare_digest(given.encode(errors="replace"), expected.encode()):
        tell("csrf_refused")
        raise FormExpired
