"""What is recorded shows up once in every view."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from loadtest.recorder import SLOWEST_KEPT, Outcome, Recorder
from loadtest.routes import ROUTES

_START = 1_800_000_000.0
_OUTCOMES = st.lists(
    st.builds(
        Outcome,
        route=st.sampled_from(sorted(ROUTES)),
        sent_at=st.floats(min_value=_START, max_value=_START + 10),
        latency_us=st.integers(min_value=1, max_value=3_000_000),
        bytes_received=st.integers(min_value=0, max_value=10_000),
        trace_id=st.sampled_from([None, "1-a", "1-b"]),
        error_kind=st.sampled_from([None, None, "HTTP 500", "timeout"]),
    ),
    max_size=80,
)


@given(_OUTCOMES)
def test_every_outcome_counts_once_in_every_view(outcomes: list[Outcome]) -> None:
    recorder = Recorder(_START)
    for outcome in outcomes:
        recorder.record(outcome)
    errors = sum(outcome.error_kind is not None for outcome in outcomes)
    assert recorder.requests == len(outcomes) == recorder.latencies().count
    assert sum(tally.requests for tally in recorder.routes.values()) == len(outcomes)
    assert sum(tally.requests for tally in recorder.seconds.values()) == len(outcomes)
    assert recorder.error_count == errors == sum(tally.errors for tally in recorder.routes.values())
    assert sum(tally.errors for tally in recorder.seconds.values()) == errors
    assert recorder.bytes_received == sum(outcome.bytes_received for outcome in outcomes)


@given(_OUTCOMES)
def test_the_slowest_are_kept(outcomes: list[Outcome]) -> None:
    recorder = Recorder(_START)
    for outcome in outcomes:
        recorder.record(outcome)
    slowest = sorted((outcome.latency_us for outcome in outcomes), reverse=True)[:SLOWEST_KEPT]
    assert [outcome.latency_us for outcome in recorder.slowest()] == slowest


def test_outcome_counts_in_the_second_in_which_it_ended() -> None:
    recorder = Recorder(_START)
    recorder.record(Outcome("/", _START + 0.5, 1_700_000, 10, None))
    recorder.note_users(_START + 2.2, 7)
    assert {second: (tally.requests, tally.users) for second, tally in recorder.seconds.items()} == {2: (1, 7)}


def test_error_sample_is_the_first_and_has_a_trace_when_any_had() -> None:
    recorder = Recorder(_START)
    recorder.record(Outcome("/", _START, 1, 0, None, "HTTP 500", "first"))
    recorder.record(Outcome("/", _START, 1, 0, "1-trace", "HTTP 500", "second"))
    tally = recorder.errors["/", "HTTP 500"]
    assert (tally.count, tally.sample, tally.trace_id) == (2, "first", "1-trace")
