"""aws-xray-sdk's own patchers within traced requests, in a process of their own, for they cannot be undone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.http_server import HttpServer, http_server
from support.segments import SegmentReceiver
from support.traced import ROOT, parts_of

ROOT_FOLDER = Path(__file__).resolve().parents[4]
PROGRAM = """
import json, os, sqlite3, sys
import boto3, requests, urllib.request
from aws_xray_sdk.core import patch, xray_recorder
from flask import Flask
import tracing.httpclient
from tracing import TracingSettings, instrument

address, server, ours = json.loads(sys.argv[1])
patch(("httplib", "requests", "botocore", "sqlite3"))
app = Flask("patched")
instrument(app, TracingSettings("shop", udp_address=tuple(address), trust_incoming_sampled=True))
if ours:
    tracing.httpclient.instrument()
queue = boto3.client("sqs", endpoint_url=server, region_name="eu-central-1",
                     aws_access_key_id="id", aws_secret_access_key="key")

@app.get("/requests")
def by_requests():
    return requests.get(server + "/things?secret=1", timeout=5).text

@app.get("/urllib")
def by_urllib():
    return urllib.request.urlopen(server + "/things").read()

@app.get("/botocore")
def by_botocore():
    return queue.list_queues()

@app.get("/sqlite")
def by_sqlite():
    return str(sqlite3.connect(":memory:").cursor().execute("SELECT 1").fetchall())

client = app.test_client()
for path in json.loads(sys.argv[2]):
    for sampled in (1, 0):
        answer = client.get(path, headers={"X-Amzn-Trace-Id": f"Root=ROOT;Sampled={sampled}"})
        assert (answer.status_code, bool(answer.data)) == (200, True), answer.text
urllib.request.urlopen(server + "/outside").read()
requests.get(server + "/outside", timeout=5)
assert sqlite3.connect(":memory:").cursor().execute("SELECT 1").fetchall() == [(1,)]
"""


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as served:
        yield served


def _run(server: HttpServer, receiver: SegmentReceiver, *paths: str, ours: bool = False) -> list[dict[str, Any]]:
    """The segments of a program that asks for each path, sampled and then not."""
    arguments = [json.dumps([receiver.address, server.url, ours]), json.dumps(paths)]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("ROOT", ROOT), *arguments],
        cwd=ROOT_FOLDER / "apps",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stderr, run.returncode) == ("", 0)
    return receiver.pending()


@pytest.mark.parametrize("ours", [False, True])
def test_requests_and_botocore_are_one_subsegment_each_whose_id_is_passed_on(
    server: HttpServer, receiver: SegmentReceiver, ours: bool
) -> None:
    by_requests, by_botocore = _run(server, receiver, "/requests", "/botocore", ours=ours)
    [asked] = by_requests["subsegments"]
    assert (asked["name"], asked["namespace"], asked["http"]["response"]) == ("127.0.0.1", "remote", {"status": 200})
    assert asked["http"]["request"] == {"url": f"{server.url}/things", "method": "get"}
    [queued] = by_botocore["subsegments"]
    assert (queued["name"], queued["namespace"], queued["aws"]["operation"]) == ("sqs", "aws", "ListQueues")
    received = [request.trace_headers for request in server.received]
    assert received[0] == [f"Root={ROOT};Parent={asked['id']};Sampled=1"]
    assert received[2] == [f"Root={ROOT};Parent={queued['id']};Sampled=1"]
    assert [header.endswith(";Sampled=0") for [header] in (received[1], received[3])] == [True, True]
    assert received[4:] == [[], []]


def test_httplibs_patch_passes_the_segments_id_on(server: HttpServer, receiver: SegmentReceiver) -> None:
    [segment] = _run(server, receiver, "/urllib")
    assert [name for name in parts_of(segment) if name != "127.0.0.1"] == []
    assert server.received[0].trace_headers == [f"Root={ROOT};Parent={segment['id']};Sampled=1"]
    assert server.received[1].trace_headers[0].endswith(";Sampled=0")


def test_databases_patch_tells_the_statement(server: HttpServer, receiver: SegmentReceiver) -> None:
    [segment] = _run(server, receiver, "/sqlite")
    [part] = segment["subsegments"]
    assert (part["name"], part["namespace"], part["sql"]["database_type"]) == (":memory:", "remote", "sqlite3")
