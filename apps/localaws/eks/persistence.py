"""What EKS holds as a JSON document, and back. The clusters themselves are the seed's."""

from __future__ import annotations

from typing import Any

from localaws.eks.outcomes import SUCCESS
from localaws.eks.state import State
from localaws.object_document import Reader, Writer, kept, restore

_KNOWN = {"success": SUCCESS}
_MEMBERS = ("addons", "updates", "associations")


def save(state: State) -> Any:
    """Add-ons, updates, associations and the clusters' tags."""
    with state.now():
        tags = {name: cluster.tags for name, cluster in state.clusters.items()}
        return Writer(_KNOWN).write({"tags": tags, "state": kept(state, *_MEMBERS)})


def load(state: State, document: Any) -> None:
    """Takes in what was saved, as far as its clusters are still there. Raises DocumentError."""
    found = Reader(_KNOWN).read(document)
    with state.now():
        restore(state, found["state"])
        state.addons = {key: addon for key, addon in state.addons.items() if addon.cluster in state.clusters}
        for name, tags in found["tags"].items():
            if name in state.clusters:
                state.clusters[name].tags = tags
