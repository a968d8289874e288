"""OpenTelemetry's spans as X-Ray takes them: each becomes a segment, or a subsegment sent apart."""

from localaws.xray.otlp.endpoint import put_spans

__all__ = ["put_spans"]
