"""Switches on Transaction Search with every trace indexed, as a user of AWS would; says whether that changed anything.

Usage: transaction_search.py REGION
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3

_ACTIVE_SECONDS = 60
_EVERY_TRACE = 100.0


def switch_on(region: str) -> bool:
    """Whether something was changed. Raises botocore's errors, and TimeoutError where a change does not come about."""
    xray = boto3.client("xray", region_name=region)
    changed = bool(xray.get_trace_segment_destination()["Destination"] != "CloudWatchLogs")
    if changed:
        _let_xray_write_spans(boto3.client("logs", region_name=region), region)
        xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    _wait_until_active(xray)
    (rule,) = xray.get_indexing_rules()["IndexingRules"]
    if rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == _EVERY_TRACE:
        return changed
    every_trace = {"Probabilistic": {"DesiredSamplingPercentage": _EVERY_TRACE}}
    xray.update_indexing_rule(Name=rule["Name"], Rule=every_trace)
    return True


def _let_xray_write_spans(logs: Any, region: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "xray.amazonaws.com"},
        "Action": "logs:PutLogEvents",
        "Resource": f"arn:aws:logs:{region}:*:log-group:aws/spans:*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    logs.put_resource_policy(policyName="TransactionSearchXRayAccess", policyDocument=policy)


def _wait_until_active(xray: Any) -> None:
    end = time.monotonic() + _ACTIVE_SECONDS
    while xray.get_trace_segment_destination()["Status"] != "ACTIVE":
        if time.monotonic() > end:
            raise TimeoutError(f"Transaction Search is not active after {_ACTIVE_SECONDS} s")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.stdout.write("changed" if switch_on(sys.argv[1]) else "unchanged")
