"""The platform that the tests of the whole main job share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.playbooks import Platform, process_platform


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A platform with nothing on it but the ground: the stand-in and the daemon."""
    with process_platform("site") as shared:
        played = shared.play("preflight")
        assert played.return_code == 0, played.output
        yield shared
