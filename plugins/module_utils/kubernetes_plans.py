# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What applying manifests would change, as the API server itself foretells it by a dry run, and its doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import (
    Cluster,
    KubernetesError,
    Manifest,
    Reference,
    reference_of,
)

# What the server writes by itself, and differs from one look to the next.
_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_EXISTS_EVERYWHERE = "default"


class ObjectChange(NamedTuple):
    """One object: as it is, None where it is not there, and as it will be, None where it goes."""

    reference: Reference
    before: Manifest | None
    after: Manifest | None
    manifest: Manifest | None = None

    @property
    def changes(self) -> bool:
        return self.before != self.after

    @property
    def verb(self) -> str:
        """What is done to it."""
        if not self.changes:
            return "unchanged"
        return "created" if self.before is None else "deleted" if self.after is None else "configured"


def plan_present(cluster: Cluster, manifests: Sequence[Manifest], *, force: bool) -> list[ObjectChange]:
    """What applying the manifests in this order would do. Raises DeepobsError where the server would refuse one."""
    missing: set[str] = set()
    changes = []
    for manifest in manifests:
        reference = reference_of(manifest)
        before = cluster.get(reference)
        if reference.namespace in missing:
            after = _foretold_elsewhere(cluster, manifest)
        else:
            after = _foretold(cluster, manifest, force=force)
        if reference.kind == "Namespace" and before is None:
            missing.add(reference.name)
        changes.append(ObjectChange(reference, before and settled(before), settled(after), manifest))
    return changes


def plan_absent(cluster: Cluster, references: Sequence[Reference]) -> list[ObjectChange]:
    """What deleting these objects would do."""
    found = ((reference, cluster.get(reference)) for reference in references)
    return [ObjectChange(reference, before and settled(before), None) for reference, before in found]


def carry_out(cluster: Cluster, changes: Sequence[ObjectChange], *, force: bool) -> None:
    """Does what changes; each step leaves a state from which the next run goes on. Raises DeepobsError."""
    for change in changes:
        if not change.changes:
            continue
        if change.manifest is None:
            cluster.delete(change.reference)
        else:
            _apply(cluster, change.manifest, force=force)


def describe(changes: Sequence[ObjectChange]) -> dict[str, Any]:
    """The difference a user sees: the objects that change, by name."""
    changing = [change for change in changes if change.changes]
    return {
        "before": {str(change.reference): change.before for change in changing if change.before is not None},
        "after": {str(change.reference): change.after for change in changing if change.after is not None},
    }


def settled(found: Manifest) -> Manifest:
    """An object without what the server writes by itself."""
    metadata = {name: value for name, value in found["metadata"].items() if name not in _SERVERS_OWN}
    return {name: value for name, value in found.items() if name != "status"} | {"metadata": metadata}


def _foretold(cluster: Cluster, manifest: Manifest, *, force: bool) -> Manifest:
    return _apply(cluster, manifest, force=force, dry_run=True)


def _foretold_elsewhere(cluster: Cluster, manifest: Manifest) -> Manifest:
    """What becomes of an object whose namespace is not there yet: the server is asked as if it were in another.

    Where that one has such an object, or the caller may do nothing there, only the manifest itself is known.
    """
    elsewhere = {**manifest, "metadata": {**manifest["metadata"], "namespace": _EXISTS_EVERYWHERE}}
    try:
        made = cluster.try_create(elsewhere)
    except KubernetesError as error:
        if error.status in (403, 404, 409):
            return manifest
        raise
    return {**made, "metadata": {**made["metadata"], "namespace": manifest["metadata"]["namespace"]}}


def _apply(cluster: Cluster, manifest: Manifest, *, force: bool, dry_run: bool = False) -> Manifest:
    try:
        return cluster.apply(manifest, dry_run=dry_run, force=force)
    except KubernetesError as error:
        if error.status != 409:
            raise
        raise DeepobsError(
            f"{reference_of(manifest)} has fields that somebody else manages: {error.said}. Take them out of the"
            " other's manifest, or take them over with force_conflicts=true."
        ) from error
