"""Redis commands as subsegments: the command and how many keys it names, never keys or values."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any

from tracing.entities import recording
from tracing.rediskeys import key_count, key_counter

NAME = "redis"
_HOOKS = "_tracing_hooks"
_Metadata = dict[str, dict[str, str | int]]


def instrument(client: Any) -> None:
    """Makes a client's commands and pipelines subsegments named "redis" of the current one.

    `client` is a Redis or RedisCluster of `redis` or `redis.asyncio`. Pub/sub objects that it makes are seen where
    they subscribe, not where they wait for messages.
    """
    if hasattr(client, _HOOKS):
        return
    hooks = {
        "execute_command": _traced(client.execute_command, _of_command),
        "pipeline": _making(client.pipeline, _trace_pipeline),
        "pubsub": _making(client.pubsub, _trace_commands),
    }
    vars(client).update(hooks, **{_HOOKS: tuple(hooks)})


def uninstrument(client: Any) -> None:
    """Undoes `instrument`; pipelines made before stay as they are."""
    for name in vars(client).pop(_HOOKS, ()):
        delattr(client, name)


def _trace_pipeline(pipeline: Any) -> None:
    """A pipeline is one subsegment; what it asks at once, between WATCH and MULTI, is one each."""
    pipeline.execute = _traced(pipeline.execute, lambda _unused: _of_pipeline(pipeline))
    if hasattr(pipeline, "immediate_execute_command"):
        pipeline.immediate_execute_command = _traced(pipeline.immediate_execute_command, _of_command)


def _trace_commands(made: Any) -> None:
    made.execute_command = _traced(made.execute_command, _of_command)


def _making(original: Callable[..., Any], trace: Callable[[Any], None]) -> Callable[..., Any]:
    def make(*arguments: Any, **options: Any) -> Any:
        made = original(*arguments, **options)
        trace(made)
        return made

    return make


def _traced(original: Callable[..., Any], metadata: Callable[[tuple[Any, ...]], _Metadata]) -> Callable[..., Any]:
    """The call, timed where it is recorded; the metadata are made of its arguments."""

    def call(*arguments: Any, **options: Any) -> Any:
        entity = recording()
        if entity is None:
            return original(*arguments, **options)
        part = entity.child(NAME, "remote")
        part.document["metadata"] = metadata(arguments)
        try:
            result = original(*arguments, **options)
        except BaseException as error:
            part.close(error)
            raise
        part.close()
        return result

    async def call_async(*arguments: Any, **options: Any) -> Any:
        entity = recording()
        if entity is None:
            return await original(*arguments, **options)
        part = entity.child(NAME, "remote")
        part.document["metadata"] = metadata(arguments)
        try:
            result = await original(*arguments, **options)
        except BaseException as error:
            part.close(error)
            raise
        part.close()
        return result

    return call_async if iscoroutinefunction(original) else call


def _of_command(arguments: tuple[Any, ...]) -> _Metadata:
    command, keys = key_counter(arguments[0] if arguments else "")
    return _metadata(command, keys(arguments))


def _of_pipeline(pipeline: Any) -> _Metadata:
    """Of a cluster's pipeline only the number of commands is known: it keeps them elsewhere."""
    described: dict[str, str | int] = {"command": "PIPELINE", "commands": len(pipeline)}
    queued = getattr(pipeline, "command_stack", None)
    if queued:  # pairs of a command and its options, or objects in a cluster's pipeline of older versions
        described["keys"] = sum(key_count(getattr(each, "args", None) or each[0]) for each in queued)
    return {"redis": described}


@lru_cache(1024)
def _metadata(command: str, keys: int) -> _Metadata:
    """Shared by all commands that look the same: nobody writes into it, since no command is ever the current entity."""
    return {"redis": {"command": command, "keys": keys}}
