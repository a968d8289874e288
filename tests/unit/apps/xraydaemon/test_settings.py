"""The daemon's settings."""

from __future__ import annotations

import pytest
from xraydaemon.settings import Settings

REGION = {"AWS_REGION": "eu-west-1"}


def test_defaults_are_those_of_the_readme() -> None:
    assert Settings.from_environment(REGION) == Settings(
        udp_address=("127.0.0.1", 2000),
        tcp_address=("127.0.0.1", 2000),
        region="eu-west-1",
        queue_segments=200_000,
        queue_bytes=256 * 1024**2,
        upload_threads=4,
    )


@pytest.mark.parametrize(
    ("text", "udp", "tcp"),
    [
        ("0.0.0.0:3000", ("0.0.0.0", 3000), ("0.0.0.0", 3000)),
        ("tcp:127.0.0.1:2001 udp:127.0.0.2:2000", ("127.0.0.2", 2000), ("127.0.0.1", 2001)),
    ],
)
def test_address_is_written_as_for_the_sdks(text: str, udp: tuple[str, int], tcp: tuple[str, int]) -> None:
    settings = Settings.from_environment({**REGION, "AWS_XRAY_DAEMON_ADDRESS": text})
    assert (settings.udp_address, settings.tcp_address) == (udp, tcp)
