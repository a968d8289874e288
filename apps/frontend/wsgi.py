"""What the WSGI server loads in each of its processes."""

from __future__ import annotations

import os

from flask import Flask
from serving.events import log_to_stderr
from serving.flusher import Flusher
from serving.server import factory

from frontend.app import create_app
from frontend.edge import SECURITY_EVENTS
from frontend.settings import Settings

_RULES_WAIT_SECONDS = 3.0


@factory
def app() -> Flask:
    """A factory (granian's --factory): the app of this process, with its settings from the environment."""
    made = create_app(Settings.from_environment(os.environ))
    log_to_stderr()
    Flusher(made.extensions["metrics"].flush, made.extensions[SECURITY_EVENTS].flush).start()
    made.extensions["tracing"].start(_RULES_WAIT_SECONDS)
    return made
