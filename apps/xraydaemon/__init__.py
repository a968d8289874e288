"""The X-Ray daemon's stand-in: segments come in by UDP, go out by PutTraceSegments; sampling is forwarded over TCP."""
