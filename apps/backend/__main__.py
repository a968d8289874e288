"""Runs the backend, or makes its tables and its first content.

python -m backend                                         serves, with granian
python -m backend migrate [--check] [--to REVISION]       brings the tables to a revision, by default the newest
python -m backend seed [--check] [--accounts-file FILE]   puts the catalogue and accounts there
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from serving.server import AddressError, Tier, serve
from sqlalchemy.exc import DBAPIError
from tracing import SettingsError

from backend.settings import Settings

_BAD_INPUT = 2


def main(arguments: Sequence[str]) -> int:
    """Runs a command; returns the exit status: 0, or 2 where a setting or a file cannot be used, with one line."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ, serving=options.command == "serve")
        if options.command == "serve":
            host, port = settings.host, settings.port
            serve(Tier("backend", host, port, settings.workers, settings.threads, settings.idle_seconds))
        else:
            print(json.dumps(_maintain(options, settings)))
    except (SettingsError, AddressError) as error:
        return _refuse(str(error))
    except DBAPIError as error:
        return _refuse(f"DATABASE_URL: the database cannot be used: {str(error.orig).splitlines()[0]}")
    return 0


def _maintain(options: argparse.Namespace, settings: Settings) -> dict[str, object]:
    from backend import maintenance

    if options.command == "migrate":
        return maintenance.migrate(settings, options.to, check=options.check)
    return maintenance.seed(settings, options.accounts_file, os.environ.get("ADMIN_ACCOUNT_FILE"), check=options.check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description="The shop's API.")
    commands = parser.add_subparsers(dest="command")
    parser.set_defaults(command="serve")
    commands.add_parser("serve", help="serve with granian (the default)")
    migrate = commands.add_parser("migrate", help="bring the tables to a revision; repeating changes nothing")
    migrate.add_argument("--to", default="head", metavar="REVISION", help="head (the default), base or a revision")
    seed = commands.add_parser("seed", help="put the catalogue and accounts there; repeating changes nothing")
    seed.add_argument("--accounts-file", help="JSON list of {email, password, name}: customers to make")
    for command in (migrate, seed):
        command.add_argument("--check", action="store_true", help="change nothing, print what would change")
    return parser


def _refuse(message: str) -> int:
    print(f"backend: {message}", file=sys.stderr)
    return _BAD_INPUT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
