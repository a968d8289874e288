# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A digest of folders, so that a process can be restarted when its code changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ansible.errors import AnsibleFilterError


def tree_digest(folders: str | list[str]) -> str:
    """The SHA-256 digest, in 16 hex digits, of every file's path and content below the folders.

    What Python compiled is left out. Raises AnsibleFilterError where a folder is missing.
    """
    digest = hashlib.sha256()
    for folder in [folders] if isinstance(folders, str) else folders:
        root = Path(folder)
        if not root.is_dir():
            raise AnsibleFilterError(f"tree_digest: {folder} is not a folder")
        for path in sorted(path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__"):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


class FilterModule:
    """What Ansible finds in this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"tree_digest": tree_digest}
