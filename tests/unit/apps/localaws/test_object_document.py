"""Objects as JSON documents and back, and what is refused of such a document."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import pytest
from localaws.cloudwatch.series import Metric
from localaws.eks.associations import Association
from localaws.object_document import DocumentError, Reader, Writer
from moto.ecr.models import RepoTagMutability

ASSOCIATION = Association("a-1", "arn", "shop", "web", "web", "role", 1.0, 2.0, tags={"team": "shop"})
SHARED = object()


def again(value: Any) -> Any:
    known = {"shared": SHARED}
    return Reader(known).read(json.loads(json.dumps(Writer(known).write(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, 2.5, "a", True],
        {"a": {"b": []}},
        {"!tagged": 1},
        {(1, "a"): "b", 7: ()},
        OrderedDict([("b", 1), ("a", 2)]),
        {1, 2},
        b"bytes",
        float("-inf"),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        Metric("shop", "orders", (("a", "b"),)),
        ASSOCIATION,
        Association,
        RepoTagMutability.IMMUTABLE,
    ],
)
def test_values_come_back_as_they_were(value: Any) -> None:
    found = again(value)
    assert (found, type(found)) == (value, type(value))


def test_an_object_that_comes_twice_is_one_object() -> None:
    first, second, shared = again([ASSOCIATION, {"again": ASSOCIATION}, SHARED])
    assert first is second["again"]
    assert shared is SHARED


def test_what_cannot_be_kept_is_said() -> None:
    with pytest.raises(TypeError, match=r"re\.Pattern|builtins|_thread"):
        Writer({}).write([object()])


@pytest.mark.parametrize(
    "document",
    [
        {"!object": "subprocess:Popen", "members": {}},
        {"!class": "os:system"},
        {"!class": "localaws.persistence:_LOG"},
        {"!object": "localaws.eks.associations:Gone", "members": {}},
        {"!object": "localaws.eks.associations:Association", "members": {"no_such_member": 1}},
        {"!same": 3},
        {"!known": "nobody"},
        {"!strange": 1},
        {"!time": "soon"},
    ],
)
def test_foreign_documents_are_refused_and_run_nothing(document: Any) -> None:
    with pytest.raises(DocumentError):
        Reader({}).read(document)


def test_mapping_that_grows_meanwhile_is_written_as_it_was() -> None:
    class Growing(dict[str, Any]):
        """Another thread adds to the mapping around it whenever this one is looked at."""

        def items(self) -> Any:
            whole[f"further {len(whole)}"] = 1
            return super().items()

    whole: dict[str, Any] = {"first": Growing(a=1), "second": Growing(b=2)}
    assert Writer({}).write(whole).keys() == {"first", "second"}
