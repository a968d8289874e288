"""Every role tells of itself, and its argument specification and its defaults are one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())
EVERY_ROLE = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    specs: dict[str, dict[str, Any]] = parsed(role / "meta" / "argument_specs.yml")["argument_specs"]
    return specs


@EVERY_ROLE
def test_role_describes_itself(role: Path) -> None:
    assert parsed(role / "meta" / "main.yml")["galaxy_info"]
    assert all(entry.get("short_description") for entry in entry_points(role).values())
    assert "main" in entry_points(role)


@EVERY_ROLE
def test_specified_defaults_are_the_defaults(role: Path) -> None:
    options = {name: option for entry in entry_points(role).values() for name, option in entry["options"].items()}
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    assert specified == (parsed(role / "defaults" / "main.yml") or {})


@EVERY_ROLE
def test_every_option_is_described(role: Path) -> None:
    for entry in entry_points(role).values():
        undescribed = [name for name, option in entry["options"].items() if not option.get("description")]
        assert undescribed == []
