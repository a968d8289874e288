"""Epoch seconds as what the protocols write."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(epoch_seconds: float) -> datetime:
    """Epoch seconds as an aware datetime."""
    return datetime.fromtimestamp(epoch_seconds, UTC)
