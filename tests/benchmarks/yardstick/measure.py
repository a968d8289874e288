"""The backend's cached answers beside Fastify's out of Redis, with and without X-Ray: the same bytes, mix and core.

Usage: by `make bench-yardstick`, which sets the paths and wants npm. Fastify, its Redis client and its X-Ray SDK are
installed by npm into build/yardstick, so the figures hold for the versions that npm chose that day; they are printed
with them. Nothing here has a bound.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.apps_cached import MIX, SERVICE
from benchmarks.figures import FOLDER, publish_rounds
from benchmarks.rounds import ALL, Measures, Way, absolute, compare, ratios
from benchmarks.servers import Server, get, sampling_rules, wait_until_sampled
from benchmarks.shop import Shop, shop
from benchmarks.sink import sink
from benchmarks.stand_in import stand_in, xray_daemon
from redis import Redis
from support.servers import free_port, running

PROGRAM: Final = FOLDER.parent / "yardstick"
_SOURCE = Path(__file__).parent


def install() -> str:
    """Puts the program and what it needs into build/yardstick; the versions."""
    PROGRAM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "server.js"):
        shutil.copy(_SOURCE / name, PROGRAM)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "install", *quiet], cwd=PROGRAM, check=True, stdout=subprocess.DEVNULL)
    packages = json.loads((PROGRAM / "package.json").read_text())["dependencies"]
    return ", ".join(f"{name} {_version(name)}" for name in packages)


def _version(package: str) -> str:
    version: str = json.loads((PROGRAM / "node_modules" / package / "package.json").read_text())["version"]
    return version


@contextmanager
def fastify(redis_url: str, **variables: str) -> Iterator[Server]:
    """A running yardstick."""
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "REDIS_URL": redis_url, "YARDSTICK_PORT": str(port), **variables}
    with running(["node", "server.js"], port, env=environ, cwd=PROGRAM) as process:
        yield Server(port, process)


def measure() -> Measures:
    """Both programs in turn, traced and not."""
    with ExitStack() as started:
        aws = started.enter_context(stand_in())
        sampling_rules(aws, {SERVICE: 1.0})
        daemon, drain = started.enter_context(xray_daemon(aws)), started.enter_context(sink())
        made = started.enter_context(shop())
        address = f"tcp:127.0.0.1:{daemon.port} udp:127.0.0.1:{drain.port}"
        ours = started.enter_context(made.backend(TRACING="off"))
        ours_traced = started.enter_context(made.backend(AWS_XRAY_DAEMON_ADDRESS=address))
        wait_until_sampled(ours_traced.port, MIX[0], made.headers)
        redis_url = made.variables["REDIS_URL"]
        _copy_answers(made, ours, redis_url)
        udp = f"127.0.0.1:{drain.port}"
        theirs = started.enter_context(fastify(redis_url))
        theirs_traced = started.enter_context(fastify(redis_url, TRACED="1", AWS_XRAY_DAEMON_ADDRESS=udp))
        ways = [
            Way("fastify", *theirs, MIX),
            Way("ours", *ours, MIX, made.headers),
            Way("fastify_traced", *theirs_traced, MIX, traced_share=ALL),
            Way("ours_traced", *ours_traced, MIX, made.headers, ALL),
        ]
        return compare(ways, drain.arrived)


def _copy_answers(shop: Shop, backend: Server, redis_url: str) -> None:
    """Gives the yardstick the backend's own answers."""
    with Redis.from_url(redis_url) as client:
        for target in MIX:
            name = target.partition("?")[0].rpartition("/")[2]
            client.set(f"yardstick:{name}", get(backend.port, target, shop.headers).body)


def main() -> int:
    """Prints and writes the figures."""
    sys.stderr.write(f"· {install()}\n")
    measures = measure()
    figures = {
        "rps_ratio": _rps_ratio(measures, "ours", "fastify"),
        "traced_rps_ratio": _rps_ratio(measures, "ours_traced", "fastify_traced"),
        "cpu_ratio": ratios(measures, "fastify", "ours"),
        "traced_cpu_ratio": ratios(measures, "fastify_traced", "ours_traced"),
    }
    return publish_rounds("yardstick", {**figures, **absolute(measures, "")}, {})


def _rps_ratio(measures: Measures, of: str, over: str) -> list[float]:
    pairs = zip(measures[of], measures[over], strict=True)
    return [one.requests_per_second / other.requests_per_second for one, other in pairs]


if __name__ == "__main__":
    sys.exit(main())
