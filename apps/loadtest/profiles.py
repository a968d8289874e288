"""Profiles: how many users run when, how they behave, and which results pass - data, checked by a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema

_FOLDER = Path(__file__).parent
_SCHEMA = json.loads((_FOLDER / "load.schema.json").read_text())


class ProfileError(Exception):
    """A profile that cannot be run; the message says what is wrong with it."""


@dataclass(frozen=True)
class Stage:
    """Goes linearly from the users of the stage before (0 at the start) to `users` within the duration."""

    duration_seconds: float
    users: int


@dataclass(frozen=True)
class Profile:
    """A load test as data.

    `think_time_seconds` is the range a user waits after every request; `mix` are weights of the kinds of
    iterations; `thresholds` are the highest results that pass (`error_rate` from 0 to 1, `p95_ms` and so on).
    """

    name: str
    stages: tuple[Stage, ...]
    think_time_seconds: tuple[float, float]
    mix: Mapping[str, float]
    thresholds: Mapping[str, float]

    @property
    def total_seconds(self) -> float:
        return sum(stage.duration_seconds for stage in self.stages)

    @property
    def most_users(self) -> int:
        return max(stage.users for stage in self.stages)

    def users_at(self, elapsed_seconds: float) -> int:
        """How many users run at this moment; a stage of 0 seconds is a step. After the end: the last stage's users."""
        begin = 0.0
        for before, stage in pairwise((Stage(0, 0), *self.stages)):
            if elapsed_seconds < begin + stage.duration_seconds:
                share = (elapsed_seconds - begin) / stage.duration_seconds
                return round(before.users + share * (stage.users - before.users))
            begin += stage.duration_seconds
        return self.stages[-1].users

    def maximum_requests_per_second(self) -> float | None:
        """What the think time alone allows: all users, answers in no time. None where users do not think."""
        mean_seconds = sum(self.think_time_seconds) / 2
        return self.most_users / mean_seconds if mean_seconds else None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "stages": [{"duration_seconds": s.duration_seconds, "users": s.users} for s in self.stages],
            "think_time_seconds": list(self.think_time_seconds),
            "mix": dict(self.mix),
            "thresholds": dict(self.thresholds),
        }


def parse_profile(document: object) -> Profile:
    """Builds a profile from its JSON document; raises ProfileError with the place and the reason."""
    checker = jsonschema.Draft202012Validator({"$defs": _SCHEMA["$defs"], "$ref": "#/$defs/profile"})
    fault = jsonschema.exceptions.best_match(checker.iter_errors(document))
    if fault is not None:
        raise ProfileError(f"{fault.json_path}: {fault.message}")
    assert isinstance(document, dict)  # noqa: S101 - what the schema has just said
    profile = Profile(
        name=document["name"],
        stages=tuple(Stage(**stage) for stage in document["stages"]),
        think_time_seconds=(document["think_time_seconds"][0], document["think_time_seconds"][1]),
        mix=document["mix"],
        thresholds=document["thresholds"],
    )
    _check_amounts(profile)
    return profile


def _check_amounts(profile: Profile) -> None:
    """What a JSON Schema cannot say."""
    shortest, longest = profile.think_time_seconds
    if shortest > longest:
        raise ProfileError(f"$.think_time_seconds: {shortest} is more than {longest}")
    if profile.total_seconds <= 0:
        raise ProfileError("$.stages: they last 0 seconds altogether")
    if profile.most_users == 0:
        raise ProfileError("$.stages: no stage has users")
    if not any(profile.mix.values()):
        raise ProfileError("$.mix: every weight is 0")


def read_profile(path: Path) -> Profile:
    """Reads a profile file; raises ProfileError when it is missing, no JSON or no profile."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as reason:
        raise ProfileError(f"{path}: {reason.strerror}") from reason
    except ValueError as reason:
        raise ProfileError(f"{path}: not JSON ({reason})") from reason
    try:
        return parse_profile(document)
    except ProfileError as reason:
        raise ProfileError(f"{path}: {reason}") from reason


def built_in_profiles() -> dict[str, Profile]:
    """The profiles that come with the load generator, by name, the shortest first."""
    profiles = [read_profile(path) for path in (_FOLDER / "profiles").glob("*.json")]
    return {profile.name: profile for profile in sorted(profiles, key=lambda profile: profile.total_seconds)}
