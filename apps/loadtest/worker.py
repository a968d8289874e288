"""What a worker process does: runs the users its master gives it and reports every outcome."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import gevent
import locust.runners

from loadtest.client import RequestBudget
from loadtest.engine import create_environment
from loadtest.plan import Plan
from loadtest.recorder import Outcome
from loadtest.users import Shop
from loadtest.workers import OUTCOMES_MESSAGE

_REPORT_SECONDS = 0.5
_ORPHAN_CHECK_SECONDS = 1.0


def run_worker() -> None:
    """Reads its order from standard input and works until its master ends it, or is gone."""
    order = json.load(sys.stdin)
    plan = Plan.from_json(order["plan"])
    gevent.spawn(_end_with_parent, os.getppid())
    # How often users are counted; the series has one value a second.
    locust.runners.WORKER_REPORT_INTERVAL = _REPORT_SECONDS
    outcomes: list[Outcome] = []
    budget = RequestBudget(_share(plan, order["index"]))
    environment = create_environment(plan)
    environment.shop = Shop(plan, outcomes.append, budget, order["index"], plan.workers)
    runner = environment.create_worker_runner("127.0.0.1", order["master_port"])

    def report(finished: bool) -> None:
        batch = outcomes.copy()
        outcomes.clear()
        runner.send_message(OUTCOMES_MESSAGE, {"outcomes": batch, "used_up": budget.is_spent, "finished": finished})

    def finish(**_unused: Any) -> None:
        reporter.kill()
        report(finished=True)

    def report_again_and_again() -> None:
        while True:
            gevent.sleep(_REPORT_SECONDS)
            report(finished=False)

    environment.events.test_stop.add_listener(finish)
    reporter = gevent.spawn(report_again_and_again)
    runner.greenlet.join()


def _share(plan: Plan, index: int) -> int | None:
    """This worker's part of the requests that all together may make."""
    if plan.max_requests is None:
        return None
    return len(range(index, plan.max_requests, plan.workers))


def _end_with_parent(parent: int) -> None:
    """A worker whose master was killed would go on without anybody to stop it."""
    while os.getppid() == parent:
        gevent.sleep(_ORPHAN_CHECK_SECONDS)
    os._exit(1)
