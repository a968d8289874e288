"""Names, keys and values as X-Ray takes them, whatever an application gives."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracing.fitting import fit_key, fit_name, fit_value


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


anything = st.text() | st.binary() | st.none() | st.integers() | st.floats() | st.lists(st.text()) | st.builds(Mute)


@given(anything)
def test_any_name_is_made_one_that_xray_takes(name: Any) -> None:
    assert re.fullmatch(r"[\w\s.:/%&#=+\\\-@]{1,200}", fit_name(name))


@given(anything)
def test_any_key_is_made_one_that_xray_indexes(key: Any) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.]{1,500}", fit_key(key))


@given(anything | st.characters(categories=["Cs"]))
def test_any_value_is_made_text_number_or_boolean(value: Any) -> None:
    fitted = fit_value(value)
    assert isinstance(fitted, str | int | float)
    assert not isinstance(fitted, float) or math.isfinite(fitted)
    assert len(json.dumps(fitted)) <= 500 * len(r"\ud83d\ude00")


@pytest.mark.parametrize("value", ["text", 3, -2.5, True, False, 2**63 - 1])
def test_what_xray_takes_stays(value: str | float) -> None:
    fitted = fit_value(value)
    assert (fitted, type(fitted)) == (value, type(value))


def test_what_it_does_not_take_is_told_as_text() -> None:
    assert (fit_name("pay <now>; ü"), fit_name(""), fit_key("user id"), fit_key("")) == (
        "pay _now__ ü",
        "_",
        "user_id",
        "_",
    )
    assert (fit_value(float("nan")), fit_value(None), fit_value(2**63)) == ("nan", "None", "9223372036854775808")
    assert fit_value(Mute()) == "<Mute>"
