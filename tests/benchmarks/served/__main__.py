"""Serves on BENCHMARK_PORT what BENCHMARK_SERVES names, by granian with the shop's own settings for it."""

from __future__ import annotations

import os

from serving.server import Tier, serve

THREADS = 8

if __name__ == "__main__":
    serve(Tier("benchmarks.served", "127.0.0.1", int(os.environ["BENCHMARK_PORT"]), workers=1, threads=THREADS))
