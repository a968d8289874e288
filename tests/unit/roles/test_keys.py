"""The roles' keys that rotate: made once, the next one beside it, and an earlier version's key kept good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
EARLIER = "the key of an earlier version, which had only one"


def played(folder: Path, *names: str, check: bool = False) -> list[bool]:
    """Has the key of each name in turn; whether that changed, or would change, anything."""
    role = {"name": "deepobs.eks.deepobs", "tasks_from": "keys"}
    tasks = [{"ansible.builtin.include_role": role, "vars": {"deepobs_keys_current": name}} for name in names]
    (folder / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    paths = {"deepobs_keys_folder": str(folder / "keys"), "deepobs_keys_earlier_file": str(folder / "key")}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    command += [str(folder / "play.yml"), "-e", json.dumps(paths), *(["--check"] if check else [])]
    environ = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return _changes(json.loads(ran.stdout)["plays"][0]["tasks"])


def _changes(tasks: list[dict[str, Any]]) -> list[bool]:
    """Whether any task of each inclusion changed something."""
    changes: list[bool] = []
    for task in tasks:
        [result] = task["hosts"].values()
        if result["action"] == "ansible.builtin.include_role":
            changes.append(False)
        changes[-1] |= result.get("changed", False)
    return changes


def test_keys_are_planned_made_kept_and_joined_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(EARLIER)
    assert played(tmp_path, "1", check=True) == [True]
    assert not (tmp_path / "keys").exists()
    assert played(tmp_path, "1", "1", "2026-01-31") == [True, False, True]
    files = {path.name: path for path in (tmp_path / "keys").iterdir()}
    assert {name: oct(path.stat().st_mode & 0o777) for name, path in files.items()} == dict.fromkeys(
        ("0", "1", "2026-01-31"), "0o600"
    )
    assert oct((tmp_path / "keys").stat().st_mode & 0o777) == "0o700"
    assert files["0"].read_text() == EARLIER
    assert not (tmp_path / "key").exists()
    assert len({path.read_text() for path in files.values()}) == 3
