"""Answers held against the model: what fits passes, what AWS would not answer is found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from localaws.http import HttpReply
from localaws.models import operation_model
from localaws.reply_check import ReplyError, check_reply, check_result

UPDATE = {"id": "1", "status": "InProgress", "type": "AddonUpdate", "createdAt": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("update", "complaint"),
    [
        ({}, ""),
        ({"errors": None}, ""),
        ({"status": "Done"}, "DescribeUpdate.update.status: 'Done' is none of InProgress"),
        ({"errors": [{"errorCode": "Strange"}]}, "errors[].errorCode: 'Strange'"),
        ({"id": 7}, "Invalid type for parameter update.id"),
        ({"colour": "red"}, "Unknown parameter in update"),
        ({"createdAt": "yesterday"}, "Invalid type for parameter update.createdAt"),
    ],
)
def test_result_is_held_against_the_shape(update: dict[str, Any], complaint: str) -> None:
    operation = operation_model("eks", "DescribeUpdate")
    assert operation
    if not complaint:
        check_result({"update": {**UPDATE, **update}}, operation)
        return
    with pytest.raises(ReplyError) as caught:
        check_result({"update": {**UPDATE, **update}}, operation)
    assert complaint in str(caught.value)


def test_reply_is_read_as_a_client_reads_it() -> None:
    operation = operation_model("iam", "GetUser")
    assert operation
    user = "<User><Path>/</Path><UserName>a</UserName><UserId>AIDA0123456789ABCDEF</UserId><Arn>{}</Arn>{}</User>"
    date = "<CreateDate>2026-01-01T00:00:00Z</CreateDate>"
    whole = "<GetUserResponse><GetUserResult>{}</GetUserResult></GetUserResponse>"
    arn = "arn:aws:iam::123456789012:user/a"
    check_reply(HttpReply(200, whole.format(user.format(arn, date)).encode()), operation)
    with pytest.raises(ReplyError, match='Missing required parameter in User: "CreateDate"'):
        check_reply(HttpReply(200, whole.format(user.format(arn, "")).encode()), operation)
    check_reply(HttpReply(404, b"<ErrorResponse/>"), operation)
