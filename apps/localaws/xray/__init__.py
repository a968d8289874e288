"""X-Ray: takes segments, and answers summaries, traces, the service graph and sampling from what it took."""

from localaws.xray.operations import create_service

__all__ = ["create_service"]
