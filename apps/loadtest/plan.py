"""What one load test is going to do: the checked input, as every process of the generator gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loadtest.profiles import Profile, parse_profile


@dataclass(frozen=True)
class Account:
    """A shop account that several users share."""

    email: str
    password: str


@dataclass(frozen=True)
class Plan:
    """A load test; `max_requests` None means that only the stages bound it."""

    profile: Profile
    frontend_url: str
    backend_url: str
    accounts: tuple[Account, ...]
    secret: str | None
    seed: int
    workers: int
    max_requests: int | None
    request_timeout_seconds: float

    def as_json(self) -> dict[str, Any]:
        """The plan for a worker process. It holds secrets: never print it, never put it into arguments."""
        return {
            **vars(self),
            "profile": self.profile.as_json(),
            "accounts": [vars(account) for account in self.accounts],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Plan:
        """The inverse of `as_json`."""
        return cls(
            **{
                **document,
                "profile": parse_profile(document["profile"]),
                "accounts": tuple(Account(**account) for account in document["accounts"]),
            }
        )
