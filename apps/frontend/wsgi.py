"""The app that a WSGI server imports in each of its workers; settings come from the environment."""

from __future__ import annotations

import os

from frontend.app import create_app
from frontend.settings import Settings

_RULES_WAIT_SECONDS = 3.0

app = create_app(Settings.from_environment(os.environ))
app.extensions["tracing"].start(_RULES_WAIT_SECONDS)
