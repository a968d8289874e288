"""Who is let through to something that fails, and when again."""

from __future__ import annotations

from serving.circuit import Circuit
from support.waiting import eventually


def test_open_as_long_as_failures_are_not_in_a_row() -> None:
    circuit = Circuit(failures=2, rest_seconds=60)
    for _unused in range(3):
        circuit.failed()
        assert circuit.lets_through()
        circuit.succeeded()
    circuit.failed()
    circuit.failed()
    assert not circuit.lets_through()


def test_one_tries_after_the_rest_and_opens_it_for_all() -> None:
    circuit = Circuit(rest_seconds=0.05, try_seconds=60)
    circuit.failed()
    eventually(circuit.lets_through)
    assert not circuit.lets_through()
    circuit.succeeded()
    assert circuit.lets_through()
    assert circuit.lets_through()


def test_who_fails_again_closes_it_for_another_rest() -> None:
    circuit = Circuit(rest_seconds=0.05, try_seconds=60)
    for _unused in range(2):
        circuit.failed()
        assert not circuit.lets_through()
        eventually(circuit.lets_through)


def test_another_is_let_through_where_who_tried_tells_nothing() -> None:
    circuit = Circuit(rest_seconds=0.01, try_seconds=0.05)
    circuit.failed()
    eventually(circuit.lets_through)
    eventually(circuit.lets_through)
