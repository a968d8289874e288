"""Throws what schemathesis makes of the API's document at an app, as somebody who is logged in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from support.served_app import Application, served_app

_BADGE = "Bearer whoever-tries"
_ENDS_SESSIONS = ("/api/auth/logout", "/api/auth/change-password", "/api/auth/sessions")


@dataclass
class Findings:
    """What came of it: requests by answered status, and every failure with the request that shows it."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


class LoggedIn:
    """A WSGI application in which a badge stands for a session that holds, also after requests that end it."""

    def __init__(self, application: Application, log_in: Callable[[], str]) -> None:
        self._application = application
        self._log_in = log_in
        self._authorization = log_in()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != _BADGE:
            return self._application(environ, start_response)
        environ["HTTP_AUTHORIZATION"] = self._authorization
        answer = list(self._application(environ, start_response))
        if environ["PATH_INFO"].startswith(_ENDS_SESSIONS):
            self._authorization = self._log_in()
        return answer


def fuzz(application: Application, log_in: Callable[[], str], *, examples: int, seed: int, only: str) -> Findings:
    """Tries every operation of the document whose path matches `only`, with data that it allows and data it does not.

    `examples` bounds the random requests of each operation; what covers the bounds of every parameter comes on top.
    Equal seeds make equal requests.
    """
    findings = Findings()
    # Over HTTP, as only there schemathesis repeats requests without their Authorization.
    with served_app(LoggedIn(application, log_in)) as url:
        schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json", config=_config(examples, seed))
        for event in from_schema(schema.include(path_regex=only)).execute():
            _gather(findings, event)
    return findings


def _config(examples: int, seed: int) -> SchemathesisConfig:
    accepting = ["2xx", "401", "403", "404", "409"]
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "headers": {"Authorization": _BADGE},
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "deterministic": True},
            "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": ["delete", "post", "trace"]}},
            # The document's example of a key names one checkout only.
            "checks": {"positive_data_acceptance": {"expected-statuses": [*accepting, "422"]}},
        }
    )


def _gather(findings: Findings, event: Any) -> None:
    if isinstance(event, events.NonFatalError):
        findings.failures[f"{event.label}: {event.value!r}"] = ""
    if isinstance(event, events.FatalError):
        raise event.exception
    if isinstance(event, events.ScenarioFinished):
        for case_id, interaction in event.recorder.interactions.items():
            response = interaction.response
            if response is not None:
                findings.statuses[response.status_code] += 1
            for check in event.recorder.checks.get(case_id, []):
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    key = f"{event.recorder.label}: {failure.title}: {failure.message[:300]}"
                    findings.failures.setdefault(key, check.failure_info.code_sample)
