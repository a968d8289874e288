"""Where spans go: X-Ray's own endpoint, which wants signed requests, or a collector, as OpenTelemetry's variables say.

Sources: OpenTelemetry specification, "OTLP exporter configuration"; CloudWatch user guide, "OTLP endpoints".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import BotoCoreError

from tracing.settings import SettingsError

_PATH: Final = "/v1/traces"
_XRAY_HOST: Final = re.compile(r"xray(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")
# OpenTelemetry's exporter would only fail with the first span.
_USABLE: Final = {
    f"OTEL_EXPORTER_OTLP_{traces}{name}": re.compile(values)
    for traces in ("TRACES_", "")
    for name, values in {"PROTOCOL": "http/protobuf", "COMPRESSION": "none|gzip|deflate", "TIMEOUT": r"\d+"}.items()
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` with its path; `region` is that of X-Ray's own endpoint, and None for a collector: unsigned."""

    url: str
    region: str | None


def endpoint_from(environ: Mapping[str, str]) -> Endpoint:
    """What OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT name, else X-Ray's own of the region.

    Raises SettingsError.
    """
    for name, usable in _USABLE.items():
        if environ.get(name) and not usable.fullmatch(environ[name]):
            raise SettingsError(f"{name} is {environ[name]!r}: give what matches {usable.pattern}")
    url = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not url and not base:
        region = _region(environ)
        return Endpoint(_xray_url(environ, region).rstrip("/") + _PATH, region)
    chosen = url or f"{(base or '').rstrip('/')}{_PATH}"
    parts = urlsplit(chosen)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" if url else "OTEL_EXPORTER_OTLP_ENDPOINT"
        raise SettingsError(f"{name} is {url or base!r}: give a URL, such as http://127.0.0.1:4318")
    own = _XRAY_HOST.fullmatch(parts.hostname)
    return Endpoint(chosen, own.group(1) if own else None)


def xray_client(endpoint: Endpoint | None) -> Any:
    """A client of X-Ray's API in the endpoint's region; its credentials are those that sign spans."""
    timeouts = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    region = endpoint.region if endpoint is not None else None
    return botocore.session.Session().create_client("xray", region_name=region, config=timeouts)


def _region(environ: Mapping[str, str]) -> str:
    found = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    region = found or botocore.session.Session().get_config_variable("region")
    if not region:
        raise SettingsError(
            "AWS_REGION is not set: name the region whose X-Ray takes the spans, or a collector by"
            " OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    return str(region)


def _xray_url(environ: Mapping[str, str], region: str) -> str:
    """As the AWS SDKs find it; the client asks for nothing and needs no credentials."""
    given = environ.get("AWS_ENDPOINT_URL_XRAY") or environ.get("AWS_ENDPOINT_URL")
    if given:
        return given
    try:
        client = botocore.session.Session().create_client(
            "xray",
            region_name=region,
            config=Config(signature_version=UNSIGNED),
            aws_access_key_id="unused",
            aws_secret_access_key="unused",  # noqa: S106 - no secret
        )
    except BotoCoreError as error:
        raise SettingsError(f"AWS_REGION is {region!r}: {error}") from error
    return str(client.meta.endpoint_url)
