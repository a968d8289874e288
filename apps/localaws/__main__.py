"""The command line: `python -m localaws serve`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from localaws.identity.issuer import IssuerKeyError
from localaws.json_input import InputError
from localaws.seed import Seed, read_seed

_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves; returns 0 when stopped by a signal, 2 when an option cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("localaws").setLevel(logging.INFO)
    try:
        seed = read_seed(options.seed)
    except InputError as error:
        return _refuse(f"--seed {options.seed}: {error}")
    return _serve(options, seed)


def _serve(options: argparse.Namespace, seed: Seed) -> int:
    # Bound first: a busy port is told at once, before moto is loaded and anything is written.
    from localaws.server import bind, serve

    try:
        listener = bind(options.host, options.port)
    except (OSError, OverflowError) as error:
        address = f"--host {options.host} --port {options.port}"
        return _refuse(f"{address}: {error}; stop what listens there or give another address")
    from localaws.account import create_account
    from localaws.app import Application
    from localaws.persistence import Keeper, StateFileError

    try:
        account = create_account(seed, options.state_dir)
        keeper = Keeper(account, options.state_dir / "account.json") if options.persist else None
        if keeper:
            keeper.load()
            keeper.start()
        account.tokens.start()
    except (OSError, IssuerKeyError, StateFileError) as error:
        return _refuse(f"--state-dir {options.state_dir} or a token's path in --seed: {error}")
    serve(listener, Application(account, options.strict_replies))
    account.tokens.stop()
    if keeper:
        keeper.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localaws", description="AWS APIs on this machine, for tests and demos.")
    serve = parser.add_subparsers(required=True, metavar="command").add_parser("serve", help="answer until stopped")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=14566, help="port to listen on (default: %(default)s)")
    serve.add_argument("--seed", type=Path, help="JSON file with the region and the clusters to begin with")
    serve.add_argument("--state-dir", type=Path, required=True, help="folder that keeps the issuers' keys")
    serve.add_argument("--persist", action="store_true", help="keep the account in the folder, across restarts")
    serve.add_argument(
        "--strict-replies", action="store_true", help="fail where an answer does not fit AWS' model (for tests)"
    )
    return parser


def _refuse(message: str) -> int:
    print(f"localaws: {message}", file=sys.stderr)
    return _BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
