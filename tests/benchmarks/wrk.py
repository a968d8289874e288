"""Load by wrk: one thread of C beside the server, which takes little of the machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

CONNECTIONS: Final = 64
_SCRIPT = Path(__file__).with_suffix(".lua")


class Answered(NamedTuple):
    """What a server answered to a load."""

    requests: int
    seconds: float
    bytes: int
    p95_ms: float

    @property
    def served(self) -> int:
        """With those that were on their way when the load ended, one a connection: the server answers them too."""
        return self.requests + CONNECTIONS

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds


def load(port: int, paths: Sequence[str], seconds: int, headers: Mapping[str, str]) -> Answered:
    """Asks a server of this machine for the paths in turn. Raises RuntimeError where a request fails."""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    command += ["--timeout", "10s", "--script", str(_SCRIPT)]
    command += [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    command += [f"http://127.0.0.1:{port}", "--", *paths]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    result = json.loads(told.stdout.splitlines()[-1])
    if result.pop("failed") or not result["requests"]:
        raise RuntimeError(f"not every request was answered:\n{told.stdout}")
    return Answered(**result)
