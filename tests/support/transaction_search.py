"""Transaction Search, switched on in the account of a test as its user would do it."""

from __future__ import annotations

import json
import time

from support.clients import Clients

_ACTIVE_SECONDS = 10


def search_transactions(clients: Clients) -> None:
    """Has segments and spans kept in CloudWatch Logs, and every trace indexed; returns once that holds."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "xray.amazonaws.com"},
        "Action": "logs:PutLogEvents",
        "Resource": "arn:aws:logs:eu-west-1:*:log-group:aws/spans:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    clients.logs.put_resource_policy(policyName="spans", policyDocument=document)
    clients.xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    end = time.monotonic() + _ACTIVE_SECONDS
    while clients.xray.get_trace_segment_destination()["Status"] != "ACTIVE":
        assert time.monotonic() < end
        time.sleep(0.05)
    clients.xray.update_indexing_rule(Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": 100}})
