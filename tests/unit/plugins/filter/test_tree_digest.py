"""tree_digest tells whether code changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.deepobs.eks.plugins.filter.tree_digest import FilterModule

tree_digest: Callable[..., str] = FilterModule().filters()["tree_digest"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "app"
    (tree / "views").mkdir(parents=True)
    (tree / "views" / "page.py").write_text("page = 1")
    (tree / "main.py").write_text("main = 1")
    return tree


def test_same_content_has_the_same_digest_anywhere(tree: Path) -> None:
    before = tree_digest(str(tree))
    moved = tree.rename(tree.with_name("elsewhere"))
    assert tree_digest(str(moved)) == before
    assert len(before) == 16


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda tree: (tree / "main.py").write_text("main = 2"),
    "a file more": lambda tree: (tree / "new.py").touch(),
    "a file less": lambda tree: (tree / "main.py").unlink(),
    "a name": lambda tree: (tree / "main.py").rename(tree / "other.py"),
    "a place": lambda tree: (tree / "main.py").rename(tree / "views" / "main.py"),
    "a template": lambda tree: (tree / "page.html").write_text("<p>"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_changes_the_digest(tree: Path, change: Callable[[Path], object]) -> None:
    before = tree_digest(str(tree))
    change(tree)
    assert tree_digest(str(tree)) != before


@pytest.mark.parametrize("name", ["__pycache__/main.cpython-311.pyc", "__pycache__/main.cpython-311.pyc.140"])
def test_what_python_compiled_does_not_count(tree: Path, name: str) -> None:
    before = tree_digest(str(tree))
    (tree / "__pycache__").mkdir()
    (tree / name).write_bytes(b"compiled")
    assert tree_digest(str(tree)) == before


def test_content_that_moves_between_files_counts(tree: Path) -> None:
    (tree / "a").write_text("x")
    (tree / "b").write_text("yz")
    before = tree_digest(str(tree))
    (tree / "a").write_text("xy")
    (tree / "b").write_text("z")
    assert tree_digest(str(tree)) != before


def test_every_folder_counts(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    before = tree_digest([str(tree), str(other)])
    (other / "library.py").touch()
    assert tree_digest([str(tree), str(other)]) != before


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match="nowhere is not a folder"):
        tree_digest([str(tmp_path / "nowhere")])
