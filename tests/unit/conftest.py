"""What makes the unit tests cheaper without a difference in what they show."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.loaders import create_loader


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """AWS's models, which each session of boto3 reads anew from files of megabytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(create_loader))
        yield
