"""Options of the module stress_test for a run with the fake generator against one server."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any


def stress_options(folder: Path, url: str) -> dict[str, Any]:
    """Makes the files that the options name in a folder; both tiers and the daemon are at the URL."""
    package = folder / "apps" / "loadtest"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(Path(__file__).with_name("fake_generator.py"), package / "__main__.py")
    accounts = folder / "accounts.json"
    accounts.write_text("[]")
    return {
        "profile": "passes",
        "frontend_url": url,
        "backend_url": url,
        "accounts_file": str(accounts),
        "run_dir": str(folder / "runs" / "one"),
        "python": sys.executable,
        "apps_dir": str(folder / "apps"),
        "daemon_url": url,
    }
