"""The app that a WSGI server imports in each of its workers; settings come from the environment."""

from __future__ import annotations

import os

from frontend.app import create_app
from frontend.settings import Settings

app = create_app(Settings.from_environment(os.environ))
