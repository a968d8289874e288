"""Tags of clusters, add-ons and associations, by the rules of the AWS General Reference, "Tagging AWS resources"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localaws.eks.associations import Association
from localaws.eks.state import Addon, Cluster, State
from localaws.regions import partition_of
from localaws.service import Operation, Request, ServiceError

_MAXIMUM_TAGS = 50


def tag_operations(state: State) -> dict[str, Operation]:
    """TagResource, UntagResource and ListTagsForResource."""

    def tag(request: Request) -> dict[str, Any]:
        with state.now():
            tags = _tags(state, request)
            check_tags(request.parameters["tags"], "BadRequestException")
            merged = {**tags, **request.parameters["tags"]}
            check_tags(merged, "BadRequestException")
            tags.update(merged)
        return {}

    def untag(request: Request) -> dict[str, Any]:
        with state.now():
            tags = _tags(state, request)
            for key in request.parameters["tagKeys"]:
                tags.pop(key, None)
        return {}

    def list_tags(request: Request) -> dict[str, Any]:
        with state.now():
            return {"tags": dict(_tags(state, request))}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_tags}


def check_tags(tags: dict[str, str], refusal: str) -> None:
    """Raises ServiceError for too many tags or a key that AWS keeps to itself."""
    if len(tags) > _MAXIMUM_TAGS:
        raise ServiceError(refusal, f"A resource can have {_MAXIMUM_TAGS} tags at most")
    if reserved := [key for key in tags if key.lower().startswith("aws:")]:
        raise ServiceError(refusal, f"Tag key '{reserved[0]}' begins with aws:, which is reserved")


def _tags(state: State, request: Request) -> dict[str, str]:
    arn = request.parameters["resourceArn"]
    if not arn.startswith(f"arn:{partition_of(request.region)}:eks:{request.region}:{request.account}:"):
        raise ServiceError("BadRequestException", f"The ARN {arn} is not one of EKS in {request.region}")
    for resource in _resources(state):
        if resource.arn == arn:
            return resource.tags
    raise ServiceError("NotFoundException", f"The resource {arn} was not found", 404)


def _resources(state: State) -> Iterator[Cluster | Addon | Association]:
    yield from state.clusters.values()
    yield from state.addons.values()
    for name in state.clusters:
        yield from state.associations.of_cluster(name)
