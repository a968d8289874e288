"""An account that every test of this folder gets as new, with waits that do not wait."""

from __future__ import annotations

import time
from types import SimpleNamespace

import botocore.endpoint
import pytest
from support.admin import Admin


@pytest.fixture
def admin(account: str) -> Admin:
    """The admin side of a fresh account."""
    admin = Admin(account)
    admin.reset()
    return admin


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's retries do happen, but without their pauses of seconds."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(**{**vars(time), "sleep": lambda _seconds: None}))
