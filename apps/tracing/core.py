"""What ties one service's tracing together: settings, the decision to sample, the way out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Protocol

from tracing.emitter import Emitter
from tracing.entities import Entity, Segment, activate, deactivate, reset_current, set_current
from tracing.fitting import fit_name
from tracing.header import ENVIRON_NAME as _HEADER
from tracing.header import parse
from tracing.ids import new_trace_id
from tracing.keeping import Keeper
from tracing.requests import Exchange, tell_rule
from tracing.settings import TracingSettings

Environ = dict[str, Any]


class Exporter(Protocol):
    """A way out for segments: to the X-Ray daemon (`tracing.emitter.Emitter`), or another.

    A way that needs more than a document subclasses `Segment` and `Subsegment` (named by the former's
    `subsegment_class`): their constructors run when the work starts, their `close` when it ends, and between the two
    `document` is filled in by whoever knows something. What they tell then stands in `document`.
    """

    joins: bool
    """Whether its entities are made current elsewhere as well (`Segment.join`)."""

    @property
    def sent(self) -> int:
        """Documents handed over since the process began."""

    @property
    def dropped(self) -> int:
        """Documents known to be lost on the way."""

    def start(self) -> None:
        """Does in the serving process what a request must not wait for."""

    def open(self, name: str, trace_id: str, parent_id: str | None, /) -> Segment:
        """Makes the segment of a request that starts now and is sampled."""

    def open_unsampled(self, name: str, trace_id: str, parent_id: str | None, /) -> Segment:
        """Makes the segment of a request that starts now and is not sampled; it may still be kept."""

    def send(self, entity: Entity, /) -> None:
        """Takes a segment that has ended and is sampled or kept, or a subsegment that is not in its document.

        Called by many threads, within the request: it neither waits nor raises.
        """

    def flush(self) -> None:
        """Hands over what waits to be."""

    def close(self) -> None:
        """Does so, and gives back what is held; a later `send` may take it again."""


class Decider(Protocol):
    """What decides whether a request is sampled where no decision came with it."""

    def start(self, wait_seconds: float = 0.0) -> None:
        """Begins to fetch rules in this process."""

    def stop(self) -> None:
        """Ends that."""

    def decide(self, service: str, host: str, method: str, path: str, /) -> tuple[bool, str | None]:
        """Whether to sample, and by which of the account's rules."""


class Tracing:
    """One service's tracing; `exporter` and `sampler` are those of the settings' mode where they are not given."""

    def __init__(
        self, settings: TracingSettings, exporter: Exporter | None = None, sampler: Decider | None = None
    ) -> None:
        self.settings = settings
        self._sampler = (sampler or _sampler(settings)) if self.enabled else None
        self._exporter = exporter or _exporter(settings, self._sampler)
        self._open, self._open_unsampled = self._exporter.open, self._exporter.open_unsampled
        self._send = self._exporter.send
        self._decide = _never if self._sampler is None else self._sampler.decide
        self._name = fit_name(settings.service_name)
        self._trusts_incoming = settings.trust_incoming_sampled
        self.activate: Callable[[Entity], Any] = activate if self._exporter.joins else set_current
        self.deactivate: Callable[[Any], None] = deactivate if self._exporter.joins else reset_current
        self.keeps_slow = settings.keep_slower_than_seconds > 0
        self._keeper = Keeper(settings.kept_per_second, settings.keep_slower_than_seconds)
        self._exact = frozenset(settings.untraced_paths)
        self._prefixes = tuple(path.rstrip("/") + "/" for path in settings.untraced_paths)
        if self.enabled:
            _recorder().connect(self)

    @property
    def enabled(self) -> bool:
        """Whether requests are traced at all."""
        return self.settings.mode != "off"

    @property
    def sent(self) -> int:
        """Documents handed to the daemon's address since the process began: segments, and subsegments sent apart."""
        return self._exporter.sent

    @property
    def dropped(self) -> int:
        """Documents known to be lost on the way to the daemon."""
        return self._exporter.dropped

    @property
    def kept(self) -> int:
        """Segments of requests that were not sampled, and are sent since they failed or were slow."""
        return self._keeper.kept.value

    @property
    def kept_refused(self) -> int:
        """Segments that would have been kept, had there not been so many in that second."""
        return self._keeper.refused.value

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """`sent`, `dropped`, `kept` and `kept_refused`."""
        return self.sent, self.dropped, self.kept, self.kept_refused

    def start(self, wait_seconds: float = 0.0) -> None:
        """Resolves the daemon's name and begins to fetch the sampling rules, which otherwise the first request does.

        Call it in the serving process. It waits until the daemon has answered once, at most `wait_seconds`, so that
        rules decide the first requests.
        """
        if self._sampler is not None:
            self._exporter.start()
            self._sampler.start(wait_seconds)

    def flush(self) -> None:
        """Hands over what waits to be: where there are many segments they are sent together, a moment later."""
        self._exporter.flush()

    def stop(self) -> None:
        """Hands over what waits, ends the fetching of rules and gives the socket back."""
        if self._sampler is not None:
            self._sampler.stop()
            _recorder().disconnect(self)
        self._exporter.close()

    def is_untraced(self, path: str) -> bool:
        """Whether tracing is off, or a path is one of the untraced ones or lies below one of them."""
        return self._sampler is None or path in self._exact or path.startswith(self._prefixes)

    def open(self, environ: Environ) -> Segment:
        """The segment of a request, with the trace, parent and decision its header brought, or new ones."""
        name, rule = self._name, None
        text = environ.get(_HEADER)
        root, parent, sampled = (text and parse(text)) or (new_trace_id(), None, None)
        if sampled is None or not self._trusts_incoming:
            get = environ.get
            sampled, rule = self._decide(name, get("HTTP_HOST", ""), get("REQUEST_METHOD", ""), get("PATH_INFO", ""))
        return self._opened(name, root, parent, rule) if sampled else self._open_unsampled(name, root, parent)

    def begin(
        self, name: str, trace_id: str | None = None, parent_id: str | None = None, sampled: bool | None = None
    ) -> Segment:
        """The segment of work that no request began, a worker's for instance; decided here where `sampled` is None."""
        rule = None
        if sampled is None:
            sampled, rule = self._decide(name, "", "", "")
        root = trace_id or new_trace_id()
        return self._opened(name, root, parent_id, rule) if sampled else self._open_unsampled(name, root, parent_id)

    def keeps(self, segment: Segment) -> bool:
        """Whether a segment that ends now is sent: it is sampled, or has failed or was slow (see `tracing.keeping`)."""
        return segment.sampled or self._keeper.keeps(segment)

    def close(self, segment: Segment, exchange: Exchange | None = None) -> None:
        """Ends a segment, and sends it where it is kept, with the exchange that it served."""
        is_sent = segment.sampled or segment.kept is not None or self.keeps(segment)
        if exchange is not None and is_sent:
            segment.end_exchange(exchange)
        elif segment.rule is not None:
            tell_rule(segment.document, segment.rule)
        segment.close()
        if is_sent:
            self._send(segment)

    def _opened(self, name: str, root: str, parent: str | None, rule: str | None) -> Segment:
        segment = self._open(name, root, parent)
        segment.send = self._send
        segment.rule = rule
        return segment


def _never(*_request: str) -> tuple[bool, str | None]:
    return False, None


def _sampler(settings: TracingSettings) -> Decider:
    """Imported here because importing aws-xray-sdk makes a socket and two clients, half a second's work."""
    from tracing.sampling import Sampler

    return Sampler(settings.tcp_address or partial(_xray_client, settings))


def _xray_client(settings: TracingSettings) -> Any:
    from tracing.opentelemetry.endpoint import xray_client

    return xray_client(settings.endpoint)


def _exporter(settings: TracingSettings, sampler: Decider | None) -> Exporter:
    """Imported here because OpenTelemetry need not be there for those who do not choose it."""
    if settings.mode != "opentelemetry" or sampler is None:
        return Emitter(settings.udp_address)
    from tracing.opentelemetry.exporter import OpenTelemetryExporter

    return OpenTelemetryExporter(
        settings.service_name, settings.endpoint, partial(sampler.decide, settings.service_name)
    )


def _recorder() -> ModuleType:
    """Imported here for the same reason."""
    from tracing import recorder

    return recorder
