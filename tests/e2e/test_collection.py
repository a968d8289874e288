"""The artifact: what `ansible-galaxy collection build` makes installs and works from another folder, read-only."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.playbooks import ROOT, process_platform

BIN = Path(sys.executable).parent

OWN_PLAYBOOK = """
- hosts: deepobs
  gather_facts: false
  environment: "{{ deepobs_environment }}"
  roles: [deepobs.eks.preflight, deepobs.eks.sampling, deepobs.eks.backend, deepobs.eks.frontend]
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    command = [BIN / "ansible-galaxy", "collection", "build", "--output-path", folder, ROOT]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("deepobs-eks-*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artifact: Path) -> Iterator[Path]:
    """The folder the collection is installed in, closed to writing."""
    with tempfile.TemporaryDirectory(prefix="deepobs-collections-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        command = [
            BIN / "ansible-galaxy",
            "collection",
            "install",
            artifact,
            "-p",
            folder,
            "--force",
            "--offline",
            "--no-deps",
        ]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        collection = Path(folder) / "ansible_collections" / "deepobs" / "eks"
        for path in [collection, *collection.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
        yield collection
        for path in [collection, *collection.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_artifact_holds_what_a_user_needs_and_nothing_else(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        tops = {name.split("/")[0] for name in archive.getnames()}
    assert {"plugins", "roles", "playbooks", "apps", "inventories", "requirements", "meta", "README.md"} <= tops
    assert not tops & {".venv", ".ansible", ".deepobs", "runs", "build", "tests", "extensions", ".git", ".ci"}


def test_artifact_names_its_licence_and_dependency_ranges(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        manifest_file = archive.extractfile("MANIFEST.json")
        assert manifest_file is not None
        info = json.load(manifest_file)["collection_info"]
    assert info["license"] == ["GPL-3.0-or-later"]
    assert all(">=" in wanted and "<" in wanted for wanted in info["dependencies"].values())


def test_installed_collection_works_from_another_folder_and_stays_as_it_is(installed: Path, tmp_path: Path) -> None:
    before = digest(installed)
    with process_platform("user") as user:
        environment = {key: value for key, value in user.environment.items() if key != "ANSIBLE_CONFIG"}
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(installed.parents[2])
        inventory = ("-i", str(installed / "inventories" / "local"))
        (tmp_path / "mine.yml").write_text(OWN_PLAYBOOK)
        for playbook, arguments in (
            ("deepobs.eks.site", ("--skip-tags", "stress_test")),
            ("mine.yml", ()),
            ("deepobs.eks.teardown", ("--tags", "local_environment")),
        ):
            done = subprocess.run(
                user.command(playbook, *inventory, *arguments),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    assert digest(installed) == before
