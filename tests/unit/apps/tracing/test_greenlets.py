"""gevent's greenlets in the request that they work for, in a process of their own: gevent changes a whole process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = """
from gevent import monkey; monkey.patch_all()
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
import gevent
from gevent.pool import Pool
from support.traced import parts_of, traced_request
import tracing.greenlets, tracing.threads
from tracing import carry, current, subsegment

def work(name):
    with subsegment(name):
        gevent.sleep(0.001)
    return name

def request(number):
    with traced_request() as segment, subsegment(f"request {number}"):
        pool = Pool(2)
        gevent.joinall([gevent.spawn(work, "spawned"), gevent.spawn_later(0.001, work, "later")])
        pool.map(work, ["mapped"])
        list(pool.imap(work, ["imapped"]))
        pool.apply_async(work, ("asynchronous",)).get()
        pool.spawn(work, "of a pool").get()
        gevent.get_hub().threadpool.apply(work, ("native",))
        thread = threading.Thread(target=work, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as executor:
            executor.submit(work, "submitted").result()
        plain = gevent.Greenlet(carry(work), "carried")
        plain.start()
        plain.join()
    return parts_of(segment.document)

def outlived():
    with traced_request() as segment:
        late = gevent.spawn_later(0.01, work, "late")
    late.get()
    return parts_of(segment.document)

instrumented = json.loads(sys.argv[1])
if instrumented:
    tracing.greenlets.instrument()
    tracing.threads.instrument()
requests = [greenlet.get() for greenlet in [gevent.spawn(request, number) for number in range(3)]]
late = outlived()
tracing.greenlets.uninstrument()
tracing.threads.uninstrument()
with traced_request() as after:
    gevent.spawn(work, "spawned").join()
print(json.dumps({"requests": requests, "late": late, "after": parts_of(after.document), "current": current()}))
"""


def _told(instrumented: bool) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(instrumented)],
        env={"PYTHONPATH": f"{ROOT}/apps:{ROOT}/tests"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stderr, run.returncode) == ("", 0)
    told: dict[str, Any] = json.loads(run.stdout)
    return told


@pytest.mark.parametrize("instrumented", [True, False])
def test_greenlets_work_for_the_request_that_spawned_them(instrumented: bool) -> None:
    told = _told(instrumented)
    seen = ["spawned", "later", "mapped", "imapped", "asynchronous", "of a pool", "native", "thread", "submitted"]
    assert told == {
        "requests": [[[f"request {number}", [*(seen if instrumented else []), "carried"]]] for number in range(3)],
        "late": [],
        "after": [],
        "current": None,
    }
