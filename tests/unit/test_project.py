"""What must hold for the tree as a whole: documents that are true, and no traces of where it was made."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
APPS = sorted(path.parent for path in (ROOT / "apps").glob("*/__init__.py"))
EVERY_APP = pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{3,}")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Parted, so that this file does not hold what it looks for.
REGISTRIES = [
    *("py" + "pi", "python" + "hosted", "npm" + "js", "registry." + "yarn", "crates" + ".io", "ruby" + "gems"),
    *("proxy" + ".golang", "sum" + ".golang", "deb" + ".debian", "security" + ".debian", "archive" + ".ubuntu"),
    *("conda" + "-forge", "anaconda" + ".org", "repo1" + ".maven", "maven" + ".org"),
]
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot"]
# The one way to know root's account: its home is closed to the account that PostgreSQL runs as.
HOME_OF_ROOT = "lookup('ansible.builtin.env', 'HOME') == '/ro" + "ot'"


def tracked(*patterns: str) -> list[Path]:
    """The files of the tree that Git keeps, of these patterns."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this tree is not kept by Git")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def mentions(words: list[str], besides: str = "\0") -> list[str]:
    """Where one of the words stands in the tree, in either case, other than in the text `besides`.

    The reference is left out: it is generated out of documentation that is looked at, and has addresses of its own.
    """
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    found = []
    for path in tracked(":!docs/reference"):
        lines = path.read_text("utf-8", "replace").replace(besides, "").splitlines()
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    return found


@EVERY_APP
def test_app_has_a_readme_with_its_settings(app: Path) -> None:
    readme = (app / "README.md").read_text("utf-8")
    settings = app / "settings.py"
    tree = ast.parse(settings.read_text("utf-8")) if settings.exists() else ast.Module([], [])
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    variables = {text for text in texts if VARIABLE.fullmatch(text)}
    assert {variable for variable in variables if f"`{variable}`" not in readme} == set()


def test_no_package_registry_is_named() -> None:
    assert mentions(REGISTRIES) == []


def test_no_path_of_the_machine_it_was_made_on_is_named() -> None:
    assert mentions(MACHINE_PATHS, besides=HOME_OF_ROOT) == []


def test_changelog_has_a_fragment_of_the_version() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    assert version in {path.stem for path in (ROOT / "changelogs" / "fragments").glob("*.yml")}


def test_links_in_documents_point_to_files() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in tracked("*.md")
        for link in LINK.findall(path.read_text("utf-8"))
        if "://" not in link and not link.startswith(("#", "mailto:"))
        if not (path.parent / link.partition("#")[0]).exists()
    ]
    assert missing == []
