"""A shop to load and the means to run the generator as its users do: as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.fake_shop import FakeShop, running_shop

_APPS = Path(__file__).resolve().parents[4] / "apps"
_PROFILE: dict[str, Any] = {
    "name": "short",
    "stages": [{"duration_seconds": 0, "users": 10}, {"duration_seconds": 1.5, "users": 10}],
    "think_time_seconds": [0.02, 0.06],
    "mix": {"products": 30, "categories": 15, "search": 15, "account": 20, "storefront": 20},
    "thresholds": {"error_rate": 0, "p95_ms": 10000},
}


@dataclass
class Generator:
    """Runs `python -m loadtest run` against the shop, with a short profile that can be changed."""

    folder: Path
    shop: FakeShop
    profile: dict[str, Any] = field(default_factory=lambda: dict(_PROFILE))

    @property
    def output(self) -> Path:
        return self.folder / "parts" / "load.json"

    def arguments(self, *options: str) -> list[str]:
        files = {
            "--profile-file": ("profile.json", json.dumps(self.profile)),
            "--accounts-file": ("accounts.json", json.dumps([_account(number) for number in range(4)])),
            "--secret-file": ("secret", "open sesame\n"),
        }
        arguments = ["run", "--frontend-url", self.shop.url, "--backend-url", self.shop.url]
        for option, (name, text) in files.items():
            (self.folder / name).write_text(text)
            arguments += [option, str(self.folder / name)]
        return [*arguments, "--output", str(self.output), *options]

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "loadtest", *self.arguments(*options)],
            env={**os.environ, "PYTHONPATH": str(_APPS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str) -> Run:
        return self.finish(self.start(*options))

    def finish(self, process: subprocess.Popen[str]) -> Run:
        """Waits for the end of a started run and reads what it left."""
        with process:
            try:
                output, errors = process.communicate(timeout=60)
            finally:
                process.kill()
        record = json.loads(self.output.read_text()) if self.output.exists() else None
        return Run(process.returncode, [json.loads(line) for line in output.splitlines()], errors, record)


@dataclass(frozen=True)
class Run:
    """What a run of the generator came to; `record` is None where it wrote none."""

    status: int
    lines: list[dict[str, Any]]
    errors: str
    record: Any


def _account(number: int) -> dict[str, str]:
    return {"email": f"shopper-{number}@example.com", "password": "a password", "name": f"Shopper {number}"}


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with running_shop() as shop:
        yield shop


@pytest.fixture
def generator(tmp_path: Path, shop: FakeShop) -> Generator:
    return Generator(tmp_path, shop)
