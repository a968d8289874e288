"""Runs a module in a process of its own and kills that process when AWS has taken a certain call."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from support.admin import Admin
from support.module_cycle import ModuleFailedError, run_module

_SECONDS = 30


def kill_after_call(admin: Admin, module: str, arguments: Mapping[str, Any], number: int) -> bool:
    """Kills the module with SIGKILL once its call of this number, from 1, was carried out and before it is answered.

    Returns False when the module ended before it made that many calls.
    """
    process = multiprocessing.get_context("fork").Process(target=_run, args=(module, arguments))
    admin.forget_calls()
    with admin.faults({"skip": number - 1, "times": 1, "withhold_reply": True}):
        process.start()
        try:
            return _wait_for_call(admin, process, number)
        finally:
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()


def _run(module: str, arguments: Mapping[str, Any]) -> None:
    try:
        run_module(module, arguments)
    except ModuleFailedError:
        os._exit(1)
    os._exit(0)


def _wait_for_call(admin: Admin, process: Any, number: int) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if len(admin.calls()) >= number:
            return True
        if process.exitcode is not None:
            return False
        time.sleep(0.01)
    raise AssertionError(f"call {number} did not come within {_SECONDS} s")
