"""What the backend's security events say of a request."""

from __future__ import annotations

from serving.events import SecurityEvents
from tracing import current

from backend.clients import client_address
from backend.settings import SERVICE_NAME, Settings


def security_events(settings: Settings) -> SecurityEvents:
    """Events with the address of the client behind the trusted proxies and the id of its trace."""
    return SecurityEvents(SERVICE_NAME, lambda environ: client_address(environ, settings.trusted_proxies), trace_id)


def trace_id() -> str | None:
    """The id of the trace of this request, if it is traced."""
    entity = current()
    return None if entity is None else entity.segment.trace_id
