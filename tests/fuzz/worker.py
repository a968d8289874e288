"""Serves one request after the other bare and traced, and compares."""

from __future__ import annotations

import faulthandler
import os
import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from fuzz.actions import COMPLAINTS, GATE, THREADS
from fuzz.applications import SEED
from fuzz.checks import Served, check
from fuzz.daemon import Daemon
from fuzz.environs import Environ, random_request
from fuzz.exchange import Application, Server, random_server, serve
from fuzz.ledger import Ledger
from fuzz.report import Report
from fuzz.sites import Site, Wrap, open_sites
from fuzz.watch import grown, memory, watched
from tracing import current
from tracing.entities import activate
from tracing.wsgi import TracedApplication

BLOCK_REQUESTS = 1000
_HANG_SECONDS = 120
_JOIN_SECONDS = 60
_SETTLE_SECONDS = 20
_POLL_SECONDS = 0.005
_QUIET_SECONDS = 0.03
_FORK_SHARE = 0.03
_FORK_REQUESTS = 10
_SWITCH_SECONDS = sys.getswitchinterval()


class Worker:
    """One process' part of a run; `report` is what it has found so far."""

    def __init__(self, seed: int, sites: list[Site], daemon: Daemon) -> None:
        self.report = Report()
        self._seed = seed
        self._sites = sites
        self._daemon = daemon
        self._number = 0
        self._spans: Counter[Site] = Counter()
        self._begin()

    def _begin(self) -> None:
        """Begins to count anew."""
        self._all_arrive = False
        self._ledger = Ledger(self.report)
        self._mark()

    def run_block(self, first: int, last: int) -> None:
        """The requests first..last-1, while the daemon is in a state that the block's number tells."""
        chance = self._chance(first // BLOCK_REQUESTS, 1)
        state = chance.choices(_STATES, _STATE_WEIGHTS)[0]
        forks_at = chance.randrange(first, last) if chance.random() < _FORK_SHARE else None
        self._turn(state)
        self._all_arrive = state == "there"
        for number in range(first, last):
            if state == "flapping" and chance.random() < 0.1:
                self._turn(chance.choice(_STATES))
            if number == forks_at:
                self._settle()
                self._fork(number)
            self.run_request(number)
        self._settle()

    def run_request(self, number: int) -> None:
        """Serves a request without and with tracing, and notes what differs."""
        self._number = number
        chance = self._chance(number, 0)
        site = chance.choices(self._sites, _SITE_WEIGHTS)[0]
        request, server, seed = random_request(chance), random_server(chance), chance.getrandbits(48)
        bare, unused = self._serve(site.bare, request.environ, server, seed)
        traced, environ = self._serve(site.traced, request.environ, server, seed)
        served = Served(request, site, bare, traced)
        (self._awaited if site.goes_to_daemon else self._spans)[site] += self._ledger.note(number, served)
        self._ledger.take(self._daemon.received())
        for what in check(served):
            self.report.find(number, what)
        for error in (*environ[COMPLAINTS], *unused[COMPLAINTS]):
            self.report.find(number, f"a call of the tracer raises {error!r}"[:200] + f": {_place(error)}")
        if current() is not None:
            self.report.find(number, "a context is left behind")
            activate(None)

    def compare_spans(self) -> None:
        """Ends the tracing whose spans are sent in batches, and compares how many there are."""
        for site, least in self._spans.items():
            site.tracing.stop()
            if site.handed < least:
                self.report.find(self._number, f"spans are not counted: {site.handed} of {least}")

    def _settle(self) -> None:
        """Waits until all is sent that is to be, then compares."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while any(site.handed - self._handed[site] < least for site, least in self._awaited.items()):
            self._ledger.take(self._daemon.received())
            if time.monotonic() > deadline:
                self.report.find(self._number, "neither sent nor counted as dropped, though sampled")
                break
            time.sleep(_POLL_SECONDS)
        before = -1
        while (handed := sum(site.handed for site in self._sites)) != before:  # subsegments that are sent apart follow
            before = handed
            for site in self._sites:
                if site.goes_to_daemon:
                    site.tracing.flush()
            time.sleep(_QUIET_SECONDS)
        self._ledger.take(self._daemon.received())
        self._compare()
        self._mark()

    def _compare(self) -> None:
        sites = [site for site in self._sites if site.goes_to_daemon]
        sent = sum(site.tracing.sent - self._sent[site] for site in sites)
        handed = sum(site.handed - self._handed[site] for site in sites)
        self.report.counts["documents sent"] += sent
        self.report.counts["documents dropped"] += handed - sent
        arrived = self._ledger.arrived
        self._all_arrive &= self._daemon.drops == 0
        self.report.counts["blocks in which all arrives"] += self._all_arrive
        # A refusal tells of datagrams before, for which others that arrive are counted as dropped.
        if self._all_arrive and not sent <= arrived <= handed:
            self.report.find(self._number, f"lost: sent {sent}, dropped {handed - sent}, arrived {arrived}")
        self._ledger.close(all_arrived=self._all_arrive and sent == handed)

    def _mark(self) -> None:
        """Notes where the counters stand."""
        self._awaited: Counter[Site] = Counter()
        self._sent = {site: site.tracing.sent for site in self._sites}
        self._handed = {site: site.handed for site in self._sites}

    def complain(self, what: str) -> None:
        """Notes what a hook of the interpreter was told."""
        self.report.find(self._number, what[:300])

    def _chance(self, number: int, kind: int) -> Random:
        return Random((self._seed << 64) + (number << 1) + kind)

    def _serve(
        self, application: Application, environ: Environ, server: Server, seed: int
    ) -> tuple[list[Any], Environ]:
        """What the server saw, and the environ with what the application left there."""
        gate = threading.Event()
        environ = {**environ, SEED: seed, GATE: gate, THREADS: [], COMPLAINTS: []}
        random.seed(seed)  # the sampler's die
        log = serve(application, environ, server)
        gate.set()
        for thread in environ[THREADS]:
            thread.join(_JOIN_SECONDS)
            sys.setswitchinterval(_SWITCH_SECONDS)
        return log, environ

    def _turn(self, state: str) -> None:
        self._ledger.take(self._daemon.received())
        self._all_arrive = False
        match state:
            case "there":
                self._daemon.be_there()
            case "frozen":
                self._daemon.freeze()
            case "gone":
                self._daemon.be_gone()

    def _fork(self, number: int) -> None:
        """A child serves some requests of its own with what it inherited."""
        self.report.counts["forks"] += 1
        child = os.fork()
        if child == 0:
            self.report = Report()
            self._begin()
            for following in range(number, number + _FORK_REQUESTS):
                self.run_request(following)
            self._settle()
            told = "\n".join(self.report.lines(self._seed)) if self.report.findings else ""
            os.write(2, told.encode(errors="replace"))
            os._exit(1 if told else 0)
        if os.waitpid(child, 0)[1] != 0:
            self.report.find(number, "a child of a fork found something, see above")


def _place(error: BaseException) -> str:
    """Where an exception was raised."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return f"{frames[-1][0].f_code.co_filename}:{frames[-1][1]}" if frames else "nowhere"


_STATES = ("there", "gone", "frozen", "flapping")
_STATE_WEIGHTS = (75, 10, 5, 10)
_SITE_WEIGHTS = (56, 24, 2, 5, 13)


def run(
    seed: int,
    first: int,
    last: int,
    progress: Callable[[int, int], None] = lambda done, findings: None,
    wrap: Wrap = TracedApplication,
) -> Report:
    """Runs the requests first..last-1 of a seed.

    `progress` is told how many more are done, and how many findings there are in all. A request that hangs ends the
    process with the stacks of its threads.
    """
    began, daemon = time.monotonic(), Daemon()
    with open_sites(daemon.address, wrap) as sites:
        worker = Worker(seed, sites, daemon)
        with watched(worker.complain):
            _run_blocks(worker, first, last, progress)
    daemon.be_gone()
    worker.report.seconds = time.monotonic() - began
    return worker.report


def _run_blocks(worker: Worker, first: int, last: int, progress: Callable[[int, int], None]) -> None:
    """All blocks; memory is compared between a third of the way, when every cache is full, and the end."""
    third, before = first + (last - first) // 3, None
    while first < last:
        faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
        end = min(last, (first // BLOCK_REQUESTS + 1) * BLOCK_REQUESTS)
        worker.run_block(first, end)
        progress(end - first, worker.report.findings.total())
        first = end
        if before is None and third <= first < last:
            before = memory()
    worker.compare_spans()
    faulthandler.cancel_dump_traceback_later()
    if before is not None:
        for what in grown(before, memory()):
            worker.complain(what)
