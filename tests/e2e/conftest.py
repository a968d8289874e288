"""The platform that the end-to-end tests share: its environment is installed once, for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.playbooks import Platform, process_platform


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with process_platform("e2e") as shared:
        played = shared.play("preflight")
        assert played.return_code == 0, played.output
        yield shared
