"""What the account holds of EKS, and how time changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localaws.eks.associations import Association, Associations
from localaws.eks.outcomes import SUCCESS, Outcome
from localaws.service import ServiceError


@dataclass(slots=True)
class Cluster:
    """A cluster; `document` is what DescribeCluster answers, without its tags."""

    name: str
    arn: str
    version: str
    document: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)

    def arn_of(self, resource: str) -> str:
        """The ARN of something that belongs to the cluster."""
        return f"{self.arn.rpartition(':')[0]}:{resource}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an UpdateAddon changes of an add-on, and a failed one leaves as it was."""

    version: str
    role_arn: str | None = None
    configuration_values: str | None = None


@dataclass(slots=True)
class Addon:
    """An installed add-on.

    While `settles_at` is set, a change is under way, which ends as `outcome` says; `before` is what an update that
    fails goes back to. A DEGRADED add-on heals at `heals_at`, if that is set. `preserves` is whether its deletion, if
    that is under way, leaves the software and the associations in the cluster.
    """

    cluster: str
    name: str
    arn: str
    namespace: str
    publisher: str
    owner: str
    created_at: float
    modified_at: float
    status: str
    settings: Settings
    before: Settings | None = None
    settles_at: float | None = None
    outcome: Outcome = SUCCESS
    heals_at: float | None = None
    issues: tuple[dict[str, Any], ...] = ()
    preserves: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def begin(self, status: str, settles_at: float, outcome: Outcome) -> None:
        """A change is under way from now on."""
        self.status, self.settles_at, self.outcome, self.heals_at = status, settles_at, outcome, None

    def settle(self, now_seconds: float) -> None:
        """The change, other than a deletion that succeeds, has ended; or time has healed what it left."""
        if self.settles_at is not None and now_seconds >= self.settles_at:
            if self.outcome.heals_after_seconds is not None:
                self.heals_at = self.settles_at + self.outcome.heals_after_seconds
            if self.before and not self.outcome.applies:
                self.settings = self.before
            self.status, self.issues = self.outcome.addon_status, self.outcome.issues
            self.settles_at = self.before = None
        if self.heals_at is not None and now_seconds >= self.heals_at:
            self.status, self.issues, self.heals_at = "ACTIVE", (), None

    def is_gone(self, now_seconds: float) -> bool:
        """Whether a deletion has ended well."""
        ended = self.settles_at is not None and now_seconds >= self.settles_at
        return ended and self.status == "DELETING" and self.outcome is SUCCESS


@dataclass(slots=True)
class Update:
    """A change of an add-on; at `ends_at` its end is told, as `outcome` says."""

    id: str
    addon_arn: str
    params: list[dict[str, str]]
    created_at: float
    ends_at: float
    outcome: Outcome
    status: str = "InProgress"

    def settle(self, now_seconds: float) -> None:
        """The update has ended."""
        if now_seconds >= self.ends_at:
            self.status = self.outcome.update_status


class State:
    """Clusters, add-ons and updates of one region; used only inside `now()`."""

    def __init__(self, clock: Callable[[], float], transition_seconds: float) -> None:
        self.transition_seconds = transition_seconds
        self.clusters: dict[str, Cluster] = {}
        self.addons: dict[tuple[str, str], Addon] = {}
        self.updates: list[Update] = []
        self.associations = Associations()
        self._clock = clock
        self._lock = threading.RLock()

    @contextmanager
    def now(self) -> Iterator[float]:
        """Holds the state still, with every change that time has ended; yields the time."""
        with self._lock:
            now_seconds = self._clock()
            self._settle(now_seconds)
            yield now_seconds

    def _settle(self, now_seconds: float) -> None:
        for addon in list(self.addons.values()):
            if addon.is_gone(now_seconds):
                self.forget(addon)
            else:
                addon.settle(now_seconds)
        for update in self.updates:
            update.settle(now_seconds)

    def forget(self, addon: Addon) -> None:
        """The add-on is gone, and with it its updates and, unless it preserves them, its associations."""
        del self.addons[addon.cluster, addon.name]
        self.updates = [update for update in self.updates if update.addon_arn != addon.arn]
        self.associations.disown(addon.arn, keep=addon.preserves)

    def cluster(self, name: str, region: str) -> Cluster:
        """The cluster; raises ServiceError ResourceNotFoundException, also when it is in another region."""
        cluster = self.clusters.get(name)
        if cluster is None or f":{region}:" not in cluster.arn:
            raise ServiceError("ResourceNotFoundException", f"No cluster found for name: {name}.", 404)
        return cluster

    def addon(self, cluster: str, name: str) -> Addon:
        """The installed add-on; raises ServiceError ResourceNotFoundException."""
        addon = self.addons.get((cluster, name))
        if addon is None:
            message = f"No addon: {name} found in cluster: {cluster}"
            raise ServiceError("ResourceNotFoundException", message, 404, clusterName=cluster, addonName=name)
        return addon

    def addons_of(self, cluster: str) -> list[Addon]:
        """A cluster's add-ons by name."""
        return [addon for (owner, _unused), addon in sorted(self.addons.items()) if owner == cluster]

    def dump(self) -> dict[str, Any]:
        """What is installed, sorted and without times or statuses that pass."""
        with self.now():
            return {
                "clusters": {name: self._dumped_cluster(cluster) for name, cluster in sorted(self.clusters.items())},
                "addons": {
                    f"{cluster}/{name}": self._dumped(addon) for (cluster, name), addon in self._sorted_addons()
                },
            }

    def _sorted_addons(self) -> list[tuple[tuple[str, str], Addon]]:
        return sorted(self.addons.items())

    def _dumped_cluster(self, cluster: Cluster) -> dict[str, Any]:
        associations = self.associations.of_cluster(cluster.name)
        return {
            "version": cluster.version,
            "tags": dict(sorted(cluster.tags.items())),
            "pod_identity_associations": [_dumped_association(item) for item in associations],
        }

    def _dumped(self, addon: Addon) -> dict[str, Any]:
        owned = self.associations.owned_by(addon.arn)
        return {
            "version": addon.settings.version,
            "status": addon.status,
            "namespace": addon.namespace,
            "service_account_role_arn": addon.settings.role_arn,
            "configuration_values": addon.settings.configuration_values,
            "pod_identity_associations": {item.service_account: item.role_arn for item in owned},
            "tags": dict(sorted(addon.tags.items())),
        }


def _dumped_association(association: Association) -> dict[str, Any]:
    return {
        "namespace": association.namespace,
        "service_account": association.service_account,
        "role_arn": association.role_arn,
        "target_role_arn": association.target_role_arn,
        "disable_session_tags": association.disable_session_tags,
        "policy": association.policy,
        "owned": association.owner_arn is not None,
        "tags": dict(sorted(association.tags.items())),
    }
