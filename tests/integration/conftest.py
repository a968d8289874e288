"""Waits that do not wait, for every test of this folder."""

from __future__ import annotations

import time
from types import SimpleNamespace

import botocore.endpoint
import pytest


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's retries do happen, but without their pauses of seconds."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(**{**vars(time), "sleep": lambda _seconds: None}))
