"""Bad input stops the generator before any load, in one line that names the option."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from loadtest.cli import main
from support.fake_shop import Answer, FakeShop
from support.servers import free_port


def _option(arguments: list[str], option: str, value: str) -> list[str]:
    place = arguments.index(option)
    return [*arguments[: place + 1], value, *arguments[place + 2 :]]


def _assert_refused(arguments: list[str], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert option in printed.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--frontend-url", "shop"),
        ("--frontend-url", "ftp://127.0.0.1"),
        ("--backend-url", "http://127.0.0.1:99999"),
        ("--backend-url", "http://user:password@127.0.0.1"),
        ("--backend-url", "http://127.0.0.1/?a=b"),
        ("--profile-file", "/nowhere/profile.json"),
        ("--accounts-file", "/nowhere/accounts.json"),
        ("--secret-file", "/dev/null"),
        ("--output", "/dev/null"),
        ("--output", "/dev/null/load.json"),
    ],
)
def test_wrong_value_is_refused(generator: Any, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_refused(_option(generator.arguments(), option, value), option, capsys)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--workers", "0"), ("--workers", "65"), ("--max-requests", "0"), ("--seed", "x"), ("--no-such-option", "1")],
)
def test_wrong_extra_is_refused(generator: Any, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_refused(generator.arguments(option, value), option, capsys)


@pytest.mark.parametrize("accounts", [[], {}, [{"email": "a"}], [{"email": "a", "password": ""}], "text"])
def test_file_without_accounts_is_refused(generator: Any, accounts: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = generator.arguments()
    (generator.folder / "accounts.json").write_text(json.dumps(accounts))
    _assert_refused(arguments, "--accounts-file", capsys)


def test_unknown_profile_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    urls = ["--frontend-url", "http://127.0.0.1", "--backend-url", "http://127.0.0.1"]
    arguments = ["run", "--profile", "huge", *urls, "--accounts-file", "a", "--output", "o"]
    assert main(arguments) == 2
    assert "--profile: there is no profile 'huge'; choose from smoke, demo" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--frontend-url", "--backend-url"])
def test_target_that_is_not_there_is_refused(generator: Any, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = _option(generator.arguments(), option, f"http://127.0.0.1:{free_port()}")
    _assert_refused(arguments, option, capsys)


def test_target_that_is_ill_is_refused_before_any_load(
    generator: Any, shop: FakeShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.special["/health"] = Answer(503)
    _assert_refused(generator.arguments(), "--backend-url", capsys)
    assert shop.load_requests() == 0


def test_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["smoke", "demo", "spike", "load", "stress", "soak"]


def test_command_line_leaves_the_standard_library_as_it_is() -> None:
    program = "import loadtest.cli, loadtest.answers; from gevent import monkey; print(monkey.saved)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "{}\n"
