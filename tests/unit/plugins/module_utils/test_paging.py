"""Pages: every one once, in order, whatever the service calls its token."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages


class Listing:
    """A list of three in pages of one, which notes what it was asked."""

    def __init__(self, token_name: str) -> None:
        self.token_name = token_name
        self.asked: list[dict[str, Any]] = []

    def __call__(self, *, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        number = int(parameters.get(self.token_name, 0))
        token = {self.token_name: str(number + 1)} if number < 2 else {}
        return {"Items": [number], **token}


@pytest.mark.parametrize("name", ["NextToken", "nextToken", "Marker"])
def test_pages_walks_to_the_end(name: str) -> None:
    listing = Listing(name)

    found = [page["Items"] for page in pages(listing, "list", name, Cluster="shop")]

    assert found == [[0], [1], [2]]
    assert listing.asked == [{"Cluster": "shop"}, {"Cluster": "shop", name: "1"}, {"Cluster": "shop", name: "2"}]


def test_pages_asks_for_no_page_that_nobody_wants() -> None:
    listing = Listing("NextToken")

    assert next(pages(listing, "list"))["Items"] == [0]
    assert len(listing.asked) == 1
