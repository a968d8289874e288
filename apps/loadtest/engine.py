"""Runs a plan on Locust: in this process alone, or as the master of local worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gevent
from locust.env import Environment
from locust.runners import STATE_INIT, Runner

from loadtest.client import RequestBudget
from loadtest.cpu import CpuMeter
from loadtest.ending import Ending, Result
from loadtest.plan import Plan
from loadtest.progress import INTERVAL_SECONDS, Progress
from loadtest.record import GeneratorLoad
from loadtest.recorder import Recorder
from loadtest.shape import StagesShape
from loadtest.users import Shop, Shopper
from loadtest.workers import WorkerCrew

_DRAIN_EXTRA_SECONDS = 2
_STOP_SECONDS = 20
"""What Locust may need beyond the drain: its master learns late that a worker is gone."""
_SAMPLE_SECONDS = 0.5


@dataclass
class _Test:
    """A test while it runs: `watch` looks every half second for a reason to end it."""

    plan: Plan
    recorder: Recorder
    ending: Ending
    runner: Runner
    meter: CpuMeter
    watch: Callable[[], None]

    def run(self) -> None:
        """Follows the stages and waits for what is still out."""
        helpers = [gevent.spawn(self._sample), gevent.spawn(self._tell)]
        self.runner.start_shape()
        self._wait_for(self.runner.shape_greenlet)
        gevent.killall(helpers)
        self.ending.faults += [entry["msg"] for entry in self.runner.exceptions.values()]

    def _wait_for(self, shape: gevent.Greenlet[..., None]) -> None:
        """Until the stages are over and the users have ended - whom a fault here must not let go on for ever."""
        stages_end = time.monotonic() + self.plan.profile.total_seconds
        while not shape.ready() and not self.ending.is_early and time.monotonic() < stages_end:
            shape.join(timeout=_SAMPLE_SECONDS)
        shape.join(timeout=_drain_seconds(self.plan) + _STOP_SECONDS)
        if not shape.ready():
            self.ending.faults.append("the users did not end in time")

    def _sample(self) -> None:
        while True:
            gevent.sleep(_SAMPLE_SECONDS)
            self.meter.sample()
            self.recorder.note_users(time.time(), self.runner.user_count)
            self.watch()

    def _tell(self) -> None:
        progress = Progress(self.recorder, self.plan.profile.total_seconds)
        while not self.ending.interrupted:
            gevent.sleep(INTERVAL_SECONDS)
            if not progress.tell(time.time(), self.runner.user_count):
                self.ending.interrupted = True


def run_plan(plan: Plan) -> Result:
    """Runs the stages, prints progress, waits for what is still out. SIGINT and SIGTERM end it early."""
    ending = Ending()
    with _ended_by_signals(ending):
        return _run_with_workers(plan, ending) if plan.workers > 1 else _run_alone(plan, ending)


def create_environment(plan: Plan, shape: StagesShape | None = None) -> Environment:
    """Locust's environment for the plan's users, who may end what they have begun."""
    return Environment(
        user_classes=[Shopper], shape_class=shape, host=plan.backend_url, stop_timeout=_drain_seconds(plan)
    )


def _drain_seconds(plan: Plan) -> float:
    """How long requests that are out may take after the last stage."""
    return plan.request_timeout_seconds + _DRAIN_EXTRA_SECONDS


def _run_alone(plan: Plan, ending: Ending) -> Result:
    recorder, budget = Recorder(time.time()), RequestBudget(plan.max_requests)

    def watch() -> None:
        ending.requests_used_up = budget.is_spent

    environment = create_environment(plan, StagesShape(plan.profile, lambda: ending.is_early))
    environment.shop = Shop(plan, recorder.record, budget)
    runner = environment.create_local_runner()
    meter = CpuMeter([os.getpid()])
    _Test(plan, recorder, ending, runner, meter, watch).run()
    return _result(recorder, ending, meter)


def _run_with_workers(plan: Plan, ending: Ending) -> Result:
    environment = create_environment(plan, StagesShape(plan.profile, lambda: ending.is_early))
    runner = environment.create_master_runner("127.0.0.1", 0)
    with WorkerCrew(plan, runner) as crew:
        crew.wait_until_ready()
        recorder = Recorder(time.time())
        crew.record = recorder.record

        def watch() -> None:
            ending.requests_used_up = crew.used_up_requests
            ending.faults += crew.faults()

        meter = CpuMeter([os.getpid(), *crew.pids])
        _Test(plan, recorder, ending, runner, meter, watch).run()
        if runner.state != STATE_INIT:  # interrupted before its first user, it never asked the workers for anything
            ending.faults += crew.collect()
        return _result(recorder, ending, meter)


def _result(recorder: Recorder, ending: Ending, meter: CpuMeter) -> Result:
    return Result(recorder, ending, GeneratorLoad(meter.processes, meter.mean_percent(), meter.max_percent()))


@contextmanager
def _ended_by_signals(ending: Ending) -> Iterator[None]:
    """Within the block SIGINT and SIGTERM only ask the test to end; further ones change nothing."""

    def end() -> None:
        ending.interrupted = True

    handlers = [gevent.signal_handler(number, end) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for handler in handlers:
            handler.cancel()
