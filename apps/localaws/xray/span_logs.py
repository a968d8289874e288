"""What X-Ray asks of CloudWatch Logs, which moto keeps: whether it may write to the log group of spans."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any, Final

from localaws.access.patterns import like, listed
from localaws.regions import partition_of
from localaws.sts.trust import Attempt, is_trusted

_ACTION: Final = "logs:PutLogEvents"
_LOG_STREAM: Final = "arn:{partition}:logs:{region}:{account}:log-group:aws/spans:log-stream:default"


class SpanLogs:
    """Looks into moto's CloudWatch Logs; every look holds the lock under which moto runs."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock

    def xray_may_write(self, region: str, account: str) -> bool:
        """Whether the region's resource policies let X-Ray put events into aws/spans."""
        with self._lock:
            # Here, because moto's logs take a while to load and few runs ask for them.
            from moto.logs.models import logs_backends

            kept = logs_backends[account][region].resource_policies.values()
            policies = [json.loads(policy.policy_document) for policy in kept]
        statements = [statement for policy in policies for statement in listed(policy.get("Statement"))]
        log_stream = _LOG_STREAM.format(partition=partition_of(region), region=region, account=account)
        applying = [statement for statement in statements if _names(statement, log_stream)]
        context = {
            "aws:sourcearn": [f"arn:{partition_of(region)}:xray:{region}:{account}:*"],
            "aws:sourceaccount": [account],
        }
        attempt = Attempt("Service", frozenset({"xray.amazonaws.com"}), _ACTION, context)
        return is_trusted({"Statement": applying}, attempt)


def _names(statement: dict[str, Any], arn: str) -> bool:
    return any(like(pattern, arn) for pattern in listed(statement.get("Resource")))
