"""Fixtures every test may use: this collection's import path, the real servers and an account of AWS's stand-in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from support.admin import Admin
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT, localaws_server
from support.running_shop import RunningShop, running_shop
from support.servers import postgresql_server, redis_server

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".ansible" / "collections"


def pytest_configure() -> None:
    """Makes ansible_collections.deepobs.eks importable from the working tree, as Ansible itself does."""
    here = COLLECTIONS / "ansible_collections" / "deepobs" / "eks"
    if not here.exists():
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(ROOT)
    _AnsibleCollectionFinder(paths=[str(COLLECTIONS)])._install()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a test that is skipped for a missing part fails: there every part is to be there."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be missing (CI=true): {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder with a short path that a server's own account can enter."""
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_url(server_folder: Path) -> Iterator[str]:
    folder = server_folder / "redis"
    folder.mkdir()
    with redis_server(folder) as url:
        yield url


@pytest.fixture(scope="session")
def database_url(server_folder: Path) -> Iterator[str]:
    folder = server_folder / "postgresql"
    folder.mkdir()
    with postgresql_server(folder) as url:
        yield url


@pytest.fixture(scope="session")
def storefront(tmp_path_factory: pytest.TempPathFactory, database_url: str, redis_url: str) -> Iterator[RunningShop]:
    """Both tiers of the shop, run as servers; every test leaves its goods as they were."""
    with running_shop(tmp_path_factory.mktemp("storefront"), database_url, redis_url) as shop:
        yield shop


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """The AWS stand-in, run as a server."""
    with tempfile.TemporaryDirectory(prefix="localaws-") as folder, localaws_server(Path(folder)) as url:
        yield url


@pytest.fixture
def account(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a fresh account, to which modules and clients of this test go by their environment."""
    Admin(aws_url).reset()
    for name, value in {**CLIENT_ENVIRONMENT, "AWS_ENDPOINT_URL": aws_url}.items():
        monkeypatch.setenv(name, value)
    return aws_url


@pytest.fixture
def admin(account: str) -> Admin:
    """The admin side of this test's account."""
    return Admin(account)


@pytest.fixture
def aws(account: str) -> Iterator[Clients]:
    clients = Clients()
    yield clients
    clients.close()
