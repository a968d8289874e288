"""The seed: what the account holds before anyone asked for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.json_input import InputError, items, known, number, text

ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"
DEFAULT_CLUSTER = "deepobs-local"
KUBERNETES_VERSIONS = ("1.32", "1.33", "1.34", "1.35")

_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, slots=True)
class ProjectedToken:
    """A service account's token, kept in a file as kubelet does for a pod."""

    namespace: str
    service_account: str
    path: Path


@dataclass(frozen=True, slots=True)
class OidcIssuerSeed:
    """An issuer outside, such as a real API server's; `ca_file` is what its key set's certificate is held against."""

    url: str
    jwks_url: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ClusterSeed:
    """A cluster that is there from the start; without an issuer of its own it gets one that EKS could have given."""

    name: str = DEFAULT_CLUSTER
    version: str = KUBERNETES_VERSIONS[-1]
    project_tokens: tuple[ProjectedToken, ...] = ()
    oidc_issuer: OidcIssuerSeed | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """The whole seed; `transition_seconds` is how long an add-on's change takes, `root_keys` are the secrets of the
    account's own access keys; without any, each key that is nobody else's is its own."""

    region: str = DEFAULT_REGION
    clusters: tuple[ClusterSeed, ...] = field(default=(ClusterSeed(),))
    transition_seconds: float = 1.0
    root_keys: Mapping[str, str] = field(default_factory=dict)


def read_seed(path: Path | None) -> Seed:
    """The seed in a JSON file, the default one for None. Raises InputError."""
    if path is None:
        return Seed()
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error
    return parse_seed(document)


def parse_seed(document: Any) -> Seed:
    """The seed in a parsed JSON document. Raises InputError."""
    entries = known(document, "seed", {"region", "clusters", "transition_seconds", "root_keys"})
    clusters = tuple(_cluster(item) for item in items(entries.get("clusters", [{"name": DEFAULT_CLUSTER}]), "clusters"))
    names = [cluster.name for cluster in clusters]
    if len(set(names)) != len(names):
        raise InputError("clusters: a name is there twice")
    region = text(entries, "region", DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise InputError(f"region: '{region}' is not a region's name")
    keys = dict(_root_key(item) for item in items(entries.get("root_keys", []), "root_keys"))
    return Seed(region, clusters, number(entries, "transition_seconds", 1.0, most=3600), keys)


def _cluster(item: Any) -> ClusterSeed:
    entries = known(item, "clusters[]", {"name", "version", "project_tokens", "oidc_issuer"})
    name, version = text(entries, "name"), text(entries, "version", KUBERNETES_VERSIONS[-1])
    if not _CLUSTER_NAME.fullmatch(name):
        raise InputError(f"clusters[].name: '{name}' is not a cluster's name")
    if version not in KUBERNETES_VERSIONS:
        raise InputError(f"clusters[].version: '{version}' is none of {', '.join(KUBERNETES_VERSIONS)}")
    tokens = items(entries.get("project_tokens", []), "clusters[].project_tokens")
    issuer = _oidc_issuer(entries["oidc_issuer"]) if "oidc_issuer" in entries else None
    if issuer and tokens:
        raise InputError("clusters[].project_tokens: an issuer outside signs its tokens itself")
    return ClusterSeed(name, version, tuple(_token(token) for token in tokens), issuer)


def _oidc_issuer(item: Any) -> OidcIssuerSeed:
    entries = known(item, "oidc_issuer", {"url", "jwks_url", "ca_file"})
    url, jwks_url = text(entries, "url"), text(entries, "jwks_url")
    if not url.startswith("https://"):
        raise InputError(f"oidc_issuer.url: '{url}' does not begin with https://")
    if not jwks_url.startswith(("https://", "http://")):
        raise InputError(f"oidc_issuer.jwks_url: '{jwks_url}' does not begin with https:// or http://")
    ca_file = Path(text(entries, "ca_file")) if "ca_file" in entries else None
    if ca_file and not ca_file.is_file():
        raise InputError(f"oidc_issuer.ca_file: '{ca_file}' is not a file")
    return OidcIssuerSeed(url, jwks_url, ca_file)


def _root_key(item: Any) -> tuple[str, str]:
    entries = known(item, "root_keys[]", {"access_key_id", "secret_access_key"})
    return text(entries, "access_key_id"), text(entries, "secret_access_key")


def _token(item: Any) -> ProjectedToken:
    entries = known(item, "project_tokens[]", {"namespace", "service_account", "path"})
    path = Path(text(entries, "path"))
    if not path.is_absolute():
        raise InputError(f"project_tokens[].path: '{path}' is not absolute")
    return ProjectedToken(text(entries, "namespace"), text(entries, "service_account"), path)
