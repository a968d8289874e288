"""What ties one service's tracing together: settings, the decision to sample, the way to the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracing import header
from tracing.emitter import Emitter
from tracing.entities import Segment, new_trace_id
from tracing.settings import Address, TracingSettings

if TYPE_CHECKING:
    from tracing.sampling import Sampler

Environ = dict[str, Any]


class Tracing:
    """One service's tracing. `sent` and `dropped` count segments since the process began."""

    def __init__(self, settings: TracingSettings) -> None:
        self.settings = settings
        self._sampler = _sampler(settings.tcp_address) if self.enabled else None
        self._emitter = Emitter(settings.udp_address)
        self._exact = frozenset(settings.untraced_paths)
        self._prefixes = tuple(path.rstrip("/") + "/" for path in settings.untraced_paths)

    @property
    def enabled(self) -> bool:
        """Whether requests are traced at all."""
        return self.settings.mode != "off"

    @property
    def sent(self) -> int:
        """Segments handed to the daemon's address."""
        return self._emitter.sent

    @property
    def dropped(self) -> int:
        """Segments known to be lost on the way to the daemon."""
        return self._emitter.dropped

    def start(self, wait_seconds: float = 0.0) -> None:
        """Begins to fetch the sampling rules, which otherwise the first decision does. Call it in the serving process.

        Waits until the daemon has answered once, at most `wait_seconds`, so that rules decide the first requests.
        """
        if self._sampler is not None:
            self._sampler.start(wait_seconds)

    def stop(self) -> None:
        """Ends the fetching of rules and gives the socket back."""
        if self._sampler is not None:
            self._sampler.stop()
        self._emitter.close()

    def is_untraced(self, path: str) -> bool:
        """Whether tracing is off, or a path is one of the untraced ones or lies below one of them."""
        return not self.enabled or path in self._exact or path.startswith(self._prefixes)

    def open(self, environ: Environ) -> Segment:
        """The segment of a request, with the trace, parent and decision its header brought, or new ones."""
        incoming = header.parse(environ.get(header.ENVIRON_NAME))
        sampled, rule = self._decide(environ, incoming)
        root = new_trace_id() if incoming is None else incoming.root
        parent = None if incoming is None else incoming.parent
        segment = Segment(self.settings.service_name, root, sampled, parent)
        if rule is not None:
            segment.document["aws"] = {"xray": {"sampling_rule_name": rule}}
        return segment

    def close(self, segment: Segment) -> None:
        """Ends a segment and sends it where it is sampled."""
        if segment.sampled:
            segment.close()
            self._emitter.send(segment.document)

    def _decide(self, environ: Environ, incoming: header.TraceHeader | None) -> tuple[bool, str | None]:
        """Whether to sample, and by which centralised rule."""
        if self._sampler is None:
            return False, None
        if self.settings.trust_incoming_sampled and incoming is not None and incoming.sampled is not None:
            return incoming.sampled, None
        return self._sampler.decide(
            self.settings.service_name,
            environ.get("HTTP_HOST", ""),
            environ.get("REQUEST_METHOD", ""),
            environ.get("PATH_INFO", ""),
        )


def _sampler(address: Address) -> Sampler:
    """Imported here because importing aws-xray-sdk makes a socket and two clients, half a second's work."""
    from tracing.sampling import Sampler

    return Sampler(address)
