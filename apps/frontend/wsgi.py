"""What the WSGI server loads in each of its processes."""

from __future__ import annotations

import os

from flask import Flask
from serving.bodies import BodyLimits
from serving.events import log_to_stderr
from serving.flusher import Flusher
from serving.server import factory

from frontend.app import create_app
from frontend.edge import SECURITY_EVENTS
from frontend.settings import Settings

_RULES_WAIT_SECONDS = 3.0


@factory
def app() -> tuple[Flask, BodyLimits]:
    """A factory (granian's --factory): the app of this process, with its settings from the environment."""
    settings = Settings.from_environment(os.environ)
    made = create_app(settings)
    log_to_stderr()
    Flusher(made.extensions["metrics"].flush, made.extensions[SECURITY_EVENTS].flush).start()
    made.extensions["tracing"].start(_RULES_WAIT_SECONDS)
    return made, BodyLimits.beside(made.config["MAX_CONTENT_LENGTH"], settings.body_seconds, settings.threads)
