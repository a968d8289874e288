"""How many keys a Redis command names, so that a trace can tell without naming them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

Command = Sequence[Any]
Counter = Callable[[Command], int]


def key_count(command: Command) -> int:
    """How many keys a command (its name, then its arguments) names; 1 where the command is not known.

    Source: the key specifications in Redis' command reference.
    """
    return key_counter(command[0])[1](command)


@lru_cache(512)
def key_counter(name: str | bytes) -> tuple[str, Counter]:
    """A command's name in upper case, and the function that counts the keys of such a command."""
    text = (name.decode(errors="replace") if isinstance(name, bytes) else str(name)).upper()
    first, _unused, second = text.partition(" ")
    count = _COUNTERS.get(first, _one)
    return text, _with_second_word(count, second) if second and count is not _none else count


def _with_second_word(count: Counter, second: str) -> Counter:
    """redis-py hands some commands over as one text with two words ("XINFO STREAM")."""
    return lambda command: count([command[0], second, *command[1:]])


def _none(command: Command) -> int:
    return 0


def _one(command: Command) -> int:
    return 1 if len(command) > 1 else 0


def _two(command: Command) -> int:
    return min(len(command) - 1, 2)


def _all(command: Command) -> int:
    return len(command) - 1


def _all_but_one(command: Command) -> int:
    return max(len(command) - 2, 0)


def _pairs(command: Command) -> int:
    return (len(command) - 1) // 2


def _counted_first(command: Command) -> int:
    return _number_at(command, 1)


def _counted_second(command: Command) -> int:
    return _number_at(command, 2)


def _counted_and_destination(command: Command) -> int:
    return 1 + _number_at(command, 2)


def _of_subcommand(command: Command) -> int:
    """MEMORY USAGE key, OBJECT ENCODING key, XGROUP CREATE key: a key where anything follows the second word."""
    return 1 if len(command) > 2 else 0


def _streams(command: Command) -> int:
    """XREAD … STREAMS key key id id."""
    words = [str(word).upper() for word in command]
    return (len(words) - words.index("STREAMS") - 1) // 2 if "STREAMS" in words else 0


def _number_at(command: Command, place: int) -> int:
    """The number that a command says its keys to be; 0 where it says none, which Redis refuses."""
    with suppress(IndexError, TypeError, ValueError):
        return int(command[place])
    return 0


_NAMES: dict[Counter, str] = {
    _none: "ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FAILOVER"
    " FLUSHALL FLUSHDB FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PSUBSCRIBE PUBLISH"
    " PUBSUB PUNSUBSCRIBE QUIT RANDOMKEY READONLY READWRITE REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN"
    " SLAVEOF SLOWLOG SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SWAPDB TIME UNSUBSCRIBE UNWATCH WAIT WAITAOF",
    _all: "DEL EXISTS MGET PFCOUNT PFMERGE SDIFF SDIFFSTORE SINTER SINTERSTORE SUNION SUNIONSTORE TOUCH UNLINK WATCH",
    _all_but_one: "BITOP BLPOP BRPOP BZPOPMAX BZPOPMIN",
    _two: "BLMOVE BRPOPLPUSH COPY GEOSEARCHSTORE LCS LMOVE RENAME RENAMENX RPOPLPUSH SMOVE ZRANGESTORE",
    _pairs: "MSET MSETNX",
    _counted_first: "LMPOP SINTERCARD ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION",
    _counted_second: "BLMPOP BZMPOP EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO",
    _counted_and_destination: "ZDIFFSTORE ZINTERSTORE ZUNIONSTORE",
    _of_subcommand: "MEMORY OBJECT XGROUP XINFO",
    _streams: "XREAD XREADGROUP",
}
_COUNTERS: dict[str, Counter] = {name: counter for counter, names in _NAMES.items() for name in names.split()}
