"""The keeper of projected tokens: when a token is written anew."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from localaws.identity import Issuer, TokenKeeper
from localaws.seed import ProjectedToken

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now_seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "token"


@pytest.fixture
def keeper(tmp_path: Path, path: Path, clock: Clock) -> TokenKeeper:
    issuer = Issuer("shop", "eu-west-1", tmp_path / "key.pem")
    return TokenKeeper([(issuer, ProjectedToken("xray-daemon", "xray-daemon", path))], clock)


def expiry(path: Path) -> float:
    return float(jwt.decode(path.read_text(), options={"verify_signature": False})["exp"])


def test_fresh_token_stays(keeper: TokenKeeper, path: Path, clock: Clock) -> None:
    keeper.renew_where_needed()
    first = path.read_text()
    clock.now_seconds += 19 * HOUR
    keeper.renew_where_needed()
    assert path.read_text() == first


def test_token_is_renewed_after_four_fifths_of_its_lifetime(keeper: TokenKeeper, path: Path, clock: Clock) -> None:
    keeper.renew_where_needed()
    clock.now_seconds += 20 * HOUR
    keeper.renew_where_needed()
    assert expiry(path) == clock.now_seconds + 24 * HOUR


def test_lost_token_is_written_again(keeper: TokenKeeper, path: Path) -> None:
    keeper.renew_where_needed()
    path.unlink()
    keeper.renew_where_needed()
    assert path.exists()


def test_token_that_cannot_be_written_is_tried_again(
    keeper: TokenKeeper, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.touch()
    keeper.renew_where_needed()
    assert f"cannot write the token {path}" in caplog.text
    path.parent.unlink()
    keeper.renew_where_needed()
    assert path.exists()
