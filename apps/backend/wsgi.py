"""What the WSGI server loads in each of its processes."""

from __future__ import annotations

import os

from serving.bodies import BodyLimits
from serving.events import log_to_stderr
from serving.measured import Application
from serving.server import factory

from backend.app import create_app, start_background
from backend.settings import Settings

_RULES_WAIT_SECONDS = 3.0


@factory
def app() -> tuple[Application, BodyLimits]:
    """A factory (granian's --factory): the app of this process, with its settings from the environment.

    It is what Flask would call for each request; without Flask in between.
    """
    settings = Settings.from_environment(os.environ)
    made = create_app(settings)
    log_to_stderr()
    start_background(made)
    made.extensions["tracing"].start(_RULES_WAIT_SECONDS)
    return made.wsgi_app, BodyLimits.beside(settings.body_limit_bytes, settings.body_seconds, settings.threads)
