"""The built-in profiles are the reference's; one's own are checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loadtest.profiles import ProfileError, built_in_profiles, parse_profile, read_profile

_VALID: dict[str, Any] = {
    "name": "own",
    "stages": [{"duration_seconds": 10, "users": 20}, {"duration_seconds": 5, "users": 20}],
    "think_time_seconds": [0.1, 0.3],
    "mix": {"products": 1},
    "thresholds": {"error_rate": 0},
}


@pytest.mark.parametrize(
    ("name", "seconds", "users"),
    [
        ("smoke", 30, 5),
        ("demo", 58, 200),
        ("load", 540, 50),
        ("stress", 780, 200),
        ("spike", 200, 200),
        ("soak", 2040, 50),
    ],
)
def test_built_in_profile_has_its_length_and_users(name: str, seconds: float, users: int) -> None:
    profile = built_in_profiles()[name]
    assert (profile.name, profile.total_seconds, profile.most_users) == (name, seconds, users)


@pytest.mark.parametrize("name", sorted(built_in_profiles()))
def test_built_in_mix_has_a_fifth_of_accounts_and_of_pages(name: str) -> None:
    profile = built_in_profiles()[name]
    total = sum(profile.mix.values())
    assert (profile.mix["account"] / total, profile.mix["storefront"] / total) == (0.2, 0.2)
    assert profile.mix["products"] == 2 * profile.mix["categories"] == 2 * profile.mix["search"]


def test_thought_bounds_the_rate() -> None:
    assert built_in_profiles()["stress"].maximum_requests_per_second() == pytest.approx(1000)
    assert parse_profile(_VALID | {"think_time_seconds": [0, 0]}).maximum_requests_per_second() is None


@pytest.mark.parametrize(
    ("elapsed_seconds", "users"), [(0, 0), (5, 10), (9.99, 20), (10, 20), (14, 20), (15, 20), (99, 20)]
)
def test_users_go_linearly_through_the_stages(elapsed_seconds: float, users: int) -> None:
    assert parse_profile(_VALID).users_at(elapsed_seconds) == users


def test_stage_of_no_seconds_is_a_step() -> None:
    stages = [{"duration_seconds": 0, "users": 8}, {"duration_seconds": 4, "users": 0}]
    profile = parse_profile(_VALID | {"stages": stages})
    assert [profile.users_at(second) for second in range(5)] == [8, 6, 4, 2, 0]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"stages": []}, "$.stages"),
        ({"stages": [{"duration_seconds": -1, "users": 1}]}, "$.stages[0].duration_seconds"),
        ({"stages": [{"duration_seconds": 0, "users": 1}]}, "$.stages"),
        ({"stages": [{"duration_seconds": 1, "users": 0}]}, "$.stages"),
        ({"think_time_seconds": [0.3, 0.1]}, "$.think_time_seconds"),
        ({"mix": {"products": 0}}, "$.mix"),
        ({"mix": {"checkout": 1}}, "$.mix"),
        ({"thresholds": {"error_rate": 2}}, "$.thresholds.error_rate"),
        ({"thresholds": {"p42_ms": 2}}, "$.thresholds"),
        ({"extra": 1}, "$"),
    ],
)
def test_wrong_profile_is_refused_with_the_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        parse_profile(_VALID | change)
    assert str(refusal.value).startswith(f"{place}: ")


@pytest.mark.parametrize("text", ["{", "[]", "null", json.dumps({"name": "x"})])
def test_unusable_file_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(text)
    with pytest.raises(ProfileError, match=r"profile\.json: "):
        read_profile(file)


def test_profile_survives_its_json() -> None:
    profile = parse_profile(_VALID)
    assert parse_profile(json.loads(json.dumps(profile.as_json()))) == profile
