"""Says which error AWS answers a call with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code: str, status: int = 400, message: str = "") -> Iterator[None]:
    """The block's call is refused with this error code, HTTP status and a message with this text in it."""
    with pytest.raises(ClientError) as caught:
        yield
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert message in response["Error"]["Message"]
