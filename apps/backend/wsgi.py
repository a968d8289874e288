"""What the WSGI server loads in each of its processes."""

from __future__ import annotations

import os
import signal

from flask import Flask

from backend.app import create_app, start_background
from backend.settings import Settings
from backend.views.common import shop_of

_RULES_WAIT_SECONDS = 3.0


def app() -> Flask:
    """A factory (granian's --factory): the app of this process, with its settings from the environment.

    Until granian serves, this process still has its parent's handler of SIGTERM, which would do nothing here.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    made = create_app(Settings.from_environment(os.environ))
    start_background(made, shop_of(made))
    made.extensions["tracing"].start(_RULES_WAIT_SECONDS)
    return made
