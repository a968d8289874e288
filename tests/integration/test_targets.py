"""Each folder of targets/ holds the tasks by which ansible-playbook tries one module, on a stand-in of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.localaws import CLIENT_ENVIRONMENT, localaws_server

ROOT = Path(__file__).resolve().parents[2]
TARGETS = sorted(path.parent.parent for path in (ROOT / "tests/integration/targets").glob("*/tasks/main.yml"))
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
# Playbooks in tests/e2e try these with the processes, the load and the preflight that they are for, tests/cluster the
# last one on a real Kubernetes.
TRIED_ELSEWHERE = {"stress_test", "supervised_process", "eks_preflight_info", "xray_daemon"}
_PLAY_SECONDS = 240


def playbook(target: Path, url: str) -> list[dict[str, object]]:
    """A play that runs the target's tasks against the stand-in at this address."""
    defaults = {
        "region": CLIENT_ENVIRONMENT["AWS_REGION"],
        "endpoint_url": url,
        "access_key": CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        "secret_key": CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    }
    return [
        {
            "name": f"Try {target.name}",
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/deepobs.eks.aws": defaults},
            "vars": {
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "cluster_name": "deepobs-local",
                "region": defaults["region"],
                "localaws_url": url,
            },
            "tasks": [{"ansible.builtin.import_tasks": str(target / "tasks/main.yml")}],
        }
    ]


def test_every_module_has_a_target() -> None:
    assert {target.name for target in TARGETS} == set(MODULES) - TRIED_ELSEWHERE


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_target(target: Path, tmp_path: Path) -> None:
    play = tmp_path / "play.json"
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(play)]
    with localaws_server(tmp_path) as url:
        play.write_text(json.dumps(playbook(target, url)))
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_PLAY_SECONDS, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
