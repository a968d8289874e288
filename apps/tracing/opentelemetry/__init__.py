"""OpenTelemetry as the way out: the documents that the hooks fill become spans of the OpenTelemetry SDK."""
