"""One group of module_defaults gives every AWS module its region, another every Kubernetes module its cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "fragment"), [("aws", "amazon.aws.region.modules"), ("k8s", "kubernetes.core.k8s_auth_options")]
)
def test_every_module_is_in_its_group(name: str, fragment: str) -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if fragment in path.read_text("utf-8")}
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"][name]
    members = {member for member in group if isinstance(member, str)}

    assert modules <= members
    assert all((ROOT / "plugins" / "modules" / f"{member}.py").exists() for member in members)
