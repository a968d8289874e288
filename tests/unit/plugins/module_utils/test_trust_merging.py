"""Merging into arbitrary legal trust policies: nobody is lost, nobody is let in unasked, nothing else is touched."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.trust_evaluation import applies, attempt_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    NOBODY,
    Trust,
    merged,
    statements,
    trusted_subjects,
)
from hypothesis import given
from hypothesis import strategies as st
from support.trust_documents import (
    OTHER_TRUST,
    SUBJECTS,
    TRUST,
    WAYS,
    Way,
    asked_for,
    documents,
    literals,
    states,
    subjects,
    ways_in,
)

Document = dict[str, Any]
several = st.lists(subjects, min_size=1, max_size=3)


def foreign(document: Document, trust: Trust = TRUST) -> list[str]:
    """The statements that the trust does not own, as JSON, in order."""
    return [json.dumps(one) for one in statements(document) if trust.listing(one) is None and one != NOBODY]


def denied(document: Document) -> set[Way]:
    """The ways in that a Deny shuts: those that stay shut though a statement for everybody is added."""
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "*"}
    return set(WAYS) - ways_in({**document, "Statement": [*statements(document), everybody]})


@given(documents, several)
def test_present_lets_in_whom_was_asked_for_and_nobody_else(document: Document, asked: list[str]) -> None:
    wanted = (ways_in(document) | asked_for(asked)) - denied(document)

    assert ways_in(merged(document, TRUST, asked, "present")) == wanted


@given(documents, several)
def test_absent_lets_in_nobody_and_shuts_out_only_whom_was_named(document: Document, named: list[str]) -> None:
    before, after = ways_in(document), ways_in(merged(document, TRUST, named, "absent"))

    assert after <= before
    assert before - after <= asked_for(named)


@given(documents, several)
def test_exact_lets_in_whom_was_asked_for_and_nobody_new(document: Document, asked: list[str]) -> None:
    after = ways_in(merged(document, TRUST, asked, "exact"))

    assert after <= ways_in(document) | asked_for(asked)
    assert asked_for(asked) - denied(document) <= after


@given(documents, st.lists(literals, max_size=3, unique=True))
def test_exact_leaves_those_named_and_no_others(document: Document, named: list[str]) -> None:
    assert set(trusted_subjects(merged(document, TRUST, named, "exact"), TRUST)) == set(named)


@given(documents, st.lists(subjects, max_size=3), states)
def test_no_other_statement_is_changed_lost_or_moved(document: Document, named: list[str], state: str) -> None:
    assert foreign(merged(document, TRUST, named, state)) == foreign(document)


@given(documents, several)
def test_another_clusters_statements_are_among_the_others(document: Document, named: list[str]) -> None:
    both = merged(document, OTHER_TRUST, ["a:a"], "present")

    assert "a:a" in trusted_subjects(merged(both, TRUST, named, "exact"), OTHER_TRUST)


@given(documents, st.lists(subjects, max_size=3), states)
def test_twice_is_once(document: Document, named: list[str], state: str) -> None:
    once = merged(document, TRUST, named, state)

    assert merged(once, TRUST, named, state) == once


@given(documents, st.lists(subjects, max_size=4), states, st.randoms(use_true_random=False))
def test_the_order_of_subjects_does_not_matter(
    document: Document, named: list[str], state: str, chance: random.Random
) -> None:
    shuffled = chance.sample(named, len(named))
    one, other = merged(document, TRUST, named, state), merged(document, TRUST, shuffled, state)

    assert set(trusted_subjects(one, TRUST)) == set(trusted_subjects(other, TRUST))
    assert ways_in(one) == ways_in(other)


@given(documents, literals, literals)
def test_the_order_of_tasks_does_not_matter(document: Document, first: str, second: str) -> None:
    one = merged(merged(document, TRUST, [first], "present"), TRUST, [second], "present")
    other = merged(merged(document, TRUST, [second], "present"), TRUST, [first], "present")

    assert ways_in(one) == ways_in(other)
    assert foreign(one) == foreign(other)


@given(documents, several)
def test_absent_undoes_present(document: Document, asked: list[str]) -> None:
    before = merged(document, TRUST, asked, "absent")
    after = merged(merged(before, TRUST, asked, "present"), TRUST, asked, "absent")

    assert ways_in(after) == ways_in(before)
    assert foreign(after) == foreign(before)
    assert trusted_subjects(after, TRUST) == trusted_subjects(before, TRUST)


@given(documents, st.lists(literals, min_size=1, max_size=3))
def test_only_a_wildcard_brings_a_pattern(document: Document, asked: list[str]) -> None:
    def patterns(read: Document) -> int:
        return json.dumps(read).count("StringLike")

    assert patterns(merged(document, TRUST, asked, "present")) == patterns(document)


@given(documents, st.lists(subjects, max_size=3), states)
def test_version_and_id_stay(document: Document, named: list[str], state: str) -> None:
    rest = {key: value for key, value in merged(document, TRUST, named, state).items() if key != "Statement"}

    assert rest == {key: value for key, value in document.items() if key != "Statement"}


@given(documents, st.lists(subjects, max_size=3), states)
def test_the_given_document_is_left_alone(document: Document, named: list[str], state: str) -> None:
    copy = deepcopy(document)
    merged(document, TRUST, named, state)

    assert document == copy


@given(documents, st.lists(subjects, max_size=3), states)
def test_a_policy_always_has_a_statement(document: Document, named: list[str], state: str) -> None:
    assert merged(document, TRUST, named, state)["Statement"]


@given(documents)
def test_the_evaluation_for_users_reads_a_policy_as_the_tests_do(document: Document) -> None:
    for subject in SUBJECTS:
        attempt = attempt_of(TRUST, subject)
        effects = {(one["Effect"], applies(one, attempt)) for one in statements(document)}
        outcomes = {
            (TRUST.provider_arn, TRUST.audience, subject, request_meets) in ways_in(document)
            for request_meets in (True, False)
        }
        known = None not in {about for _effect, about in effects}
        allowed = ("Allow", True) in effects and ("Deny", True) not in effects
        assert not known or outcomes == {allowed}
