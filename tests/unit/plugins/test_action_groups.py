"""One module_defaults group gives every AWS module its region and credentials."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]


def test_every_aws_module_is_in_the_group() -> None:
    modules = {
        path.stem
        for path in (ROOT / "plugins" / "modules").glob("*.py")
        if "amazon.aws.region.modules" in path.read_text("utf-8")
    }
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]["aws"]
    members = {member for member in group if isinstance(member, str)}

    assert modules <= members
    assert all((ROOT / "plugins" / "modules" / f"{member}.py").exists() for member in members)
