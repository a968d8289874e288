"""What the agent is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_SOCKET_SCHEME: Final = "unix://"


class SettingsError(ValueError):
    """A setting that is wrong or missing; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The agent's settings. Credentials and the endpoint are read by boto3's own chain."""

    region: str
    cluster_name: str
    namespace: str
    supervisor_socket: str
    interval_seconds: float
    pods: frozenset[str]
    """The programs that are published; empty for all of them."""
    redis_url: str | None
    redis_pod: str
    metrics_urls: Mapping[str, str]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads the variables that the README lists. Raises SettingsError."""
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise SettingsError("AWS_REGION is not set: name the region whose CloudWatch takes the metrics")
        return cls(
            region=region,
            cluster_name=_required(environ, "CLUSTER_NAME", "name the cluster that the metrics are of"),
            namespace=_required(environ, "NAMESPACE", "name the namespace that the pods stand for"),
            supervisor_socket=_supervisor_socket(environ),
            interval_seconds=_seconds(environ, "PUBLISH_INTERVAL_SECONDS", 5.0),
            pods=frozenset(filter(None, environ.get("PODS", "").split(","))),
            redis_url=_redis_url(environ),
            redis_pod=environ.get("REDIS_POD") or "redis",
            metrics_urls=_metrics_urls(environ.get("POD_METRICS_URLS", "")),
        )


def _required(environ: Mapping[str, str], name: str, remedy: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set: {remedy}")
    return value


def _supervisor_socket(environ: Mapping[str, str]) -> str:
    url = _required(environ, "SUPERVISOR_URL", "give unix:// and the path of supervisord's socket")
    path = url.removeprefix(_SOCKET_SCHEME)
    if not url.startswith(_SOCKET_SCHEME) or not path.startswith("/"):
        raise SettingsError(f"SUPERVISOR_URL is {url!r}: give unix:// and the path of supervisord's socket")
    return path


def _redis_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("REDIS_URL") or None
    if url is not None and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(f"REDIS_URL is {url!r}: give redis://host:port/0, or rediss:// or unix://")
    return url


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise SettingsError(f"{name} is {text!r}: give seconds between 0 and 3600, such as {default:g}")
    return seconds


def _metrics_urls(text: str) -> dict[str, str]:
    """Pod names and URLs of "backend=http://host:port/metrics,frontend=…"."""
    urls: dict[str, str] = {}
    for entry in filter(None, text.split(",")):
        pod, _unused, url = entry.partition("=")
        parts = urlsplit(url)
        if not pod or parts.scheme != "http" or not parts.hostname:
            raise SettingsError(f"POD_METRICS_URLS has {entry!r}: give pod=http://host:port/metrics, joined by commas")
        urls[pod] = url
    return urls
