"""Starts the load generator; gevent has to change the standard library before anything else imports it."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from loadtest.cli import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
