"""Redis commands as subsegments: the command and how many keys it names, never keys or values."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.client import Pipeline

from tracing.entities import Subsegment, recording

NAME = "redis"
_ORIGINAL = "_tracing_original"
_WITHOUT_KEYS = frozenset(
    {"PING", "INFO", "SCAN", "TIME", "FLUSHDB", "FLUSHALL", "CLIENT", "CONFIG", "DBSIZE", "SCRIPT"}
)
_ONLY_KEYS = frozenset({"MGET", "DEL", "UNLINK", "EXISTS", "TOUCH", "WATCH", "SINTER", "SUNION", "SDIFF"})
_PAIRS = frozenset({"MSET", "MSETNX"})
_COUNTED = frozenset({"EVAL", "EVALSHA", "FCALL"})


def instrument(client: Redis) -> None:
    """Makes a client's commands and pipelines subsegments named "redis" of the current segment."""
    if not hasattr(client, _ORIGINAL):
        setattr(client, _ORIGINAL, (client.execute_command, client.pipeline))
        client.execute_command = _traced_command(client.execute_command)  # type: ignore[method-assign]
        client.pipeline = _traced_pipeline(client.pipeline)  # type: ignore[method-assign]


def uninstrument(client: Redis) -> None:
    """Undoes `instrument`."""
    if hasattr(client, _ORIGINAL):
        client.execute_command, client.pipeline = getattr(client, _ORIGINAL)  # type: ignore[method-assign]
        delattr(client, _ORIGINAL)


def key_count(command: str, arguments: tuple[Any, ...]) -> int:
    """How many keys a command names; 0 where that is not known. Source: Redis' command reference."""
    if command in _WITHOUT_KEYS or not arguments:
        return 0
    if command in _ONLY_KEYS:
        return len(arguments)
    if command in _PAIRS:
        return len(arguments) // 2
    if command in _COUNTED:
        return int(arguments[1]) if len(arguments) > 1 else 0
    return 1


def _traced_command(original: Any) -> Any:
    def execute_command(*arguments: Any, **options: Any) -> Any:
        entity = recording()
        if entity is None:
            return original(*arguments, **options)
        command = str(arguments[0]).upper()
        part = entity.child(NAME, "remote")
        part.document["metadata"] = {"redis": {"command": command, "keys": key_count(command, arguments[1:])}}
        return _closed(part, original, *arguments, **options)

    return execute_command


def _traced_pipeline(original: Any) -> Any:
    def pipeline(*arguments: Any, **options: Any) -> Pipeline:
        made: Pipeline = original(*arguments, **options)
        made.execute = _traced_execute(made, made.execute)  # type: ignore[method-assign]
        return made

    return pipeline


def _traced_execute(pipeline: Pipeline, original: Any) -> Any:
    def execute(*arguments: Any, **options: Any) -> Any:
        entity = recording()
        if entity is None:
            return original(*arguments, **options)
        part = entity.child(NAME, "remote")
        commands = [command[0] for command in pipeline.command_stack]
        keys = sum(key_count(str(command[0]).upper(), command[1:]) for command in commands)
        part.document["metadata"] = {"redis": {"command": "PIPELINE", "commands": len(commands), "keys": keys}}
        return _closed(part, original, *arguments, **options)

    return execute


def _closed(part: Subsegment, call: Any, *arguments: Any, **options: Any) -> Any:
    try:
        result = call(*arguments, **options)
    except BaseException as error:
        part.close(error)
        raise
    part.close()
    return result
