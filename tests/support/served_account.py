"""An account of the AWS stand-in served from within the test, so that the test has its clock and its parts in hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from localaws.account import Account
from localaws.app import Application
from localaws.server import bind, create_server


@contextmanager
def account_served(account: Account) -> Iterator[str]:
    """Answers for the account until the block ends; yields the URL."""
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = create_server(listener, Application(account, strict_replies=True))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
