"""Metric values and steps."""

from __future__ import annotations

import enum
import math
import struct
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import InvalidValue
from anew.tracking.scalars import as_number, as_step
from later import later

torch = later("torch")
jax = later("jax")
jnp = later("jax.numpy")


class Level(enum.IntEnum):
    LOW = 3


@given(st.floats())
def test_a_float_is_kept_to_the_last_bit(value: float) -> None:
    for given_as in (
        value,
        np.float64(value),
        np.array(value),
        torch.tensor(value, dtype=torch.float64),
    ):
        number = as_number("loss", given_as)
        assert type(number) is float
        assert struct.pack("<d", number) == struct.pack("<d", value) or math.isnan(value)
        assert math.isnan(number) == math.isnan(value)


@given(st.integers())
def test_an_integer_is_exact_up_to_2_to_the_53_and_rounded_beyond(value: int) -> None:
    number = as_number("n", value)
    if abs(value) <= 2**53:
        assert type(number) is int
        assert number == value
    else:
        assert type(number) is float
        assert number == float(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1),
        (False, 0),
        (Level.LOW, 3),
        (Decimal("1.25"), 1.25),
        (Fraction(1, 3), 1 / 3),
        (np.bool_(True), 1),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), float(2**64 - 1)),
        (np.float16(0.1), float(np.float16(0.1))),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.longdouble(0.5), 0.5),
        (np.array([[2.5]]), 2.5),
        (np.array(Decimal(3), dtype=object), 3.0),
        (ml_dtypes.bfloat16(2.5), 2.5),
        (np.array(2.5, ml_dtypes.bfloat16), 2.5),
    ],
    ids=repr,
)
def test_scalars_of_every_library_are_the_number_they_stand_for(value: Any, number: float) -> None:
    result = as_number("loss", value)
    assert type(result) in (int, float)
    assert result == number


def test_scalars_of_frameworks_are_the_number_they_stand_for() -> None:
    for value, number in (
        (pd.Series([2.5]), 2.5),
        (torch.tensor(2.5, requires_grad=True), 2.5),
        (torch.tensor(2.5, requires_grad=True) * 2, 5.0),
        (torch.nn.Parameter(torch.ones(1)), 1.0),
        (torch.tensor(2.5, dtype=torch.bfloat16), 2.5),
        (torch.tensor(0.1, dtype=torch.float16), float(np.float16(0.1))),
        (torch.tensor(1.5).to(torch.float8_e4m3fn), 1.5),
        (torch.tensor([7]), 7),
        (torch.tensor(True), 1),
        (jnp.float32(0.1), float(np.float32(0.1))),
        (jnp.bfloat16(2.5), 2.5),
        (jnp.ones((1, 1)), 1.0),
        (jnp.int32(5), 5),
    ):
        result = as_number("loss", value)
        assert type(result) in (int, float), repr(value)
        assert result == number, repr(value)


class Metric:
    """As of torchmetrics: a number only once it is computed."""

    def compute(self) -> float:
        return 1.0


@pytest.mark.parametrize(
    "value",
    [
        "0.5",
        b"x",
        None,
        [0.5],
        (),
        {"a": 1},
        np.ones((2, 3)),
        np.array([]),
        1j,
        np.complex64(1),
        np.datetime64("2024-01-01T00:00:00.000000001"),
        np.timedelta64(5, "ns"),
        np.str_("a"),
        np.array("a"),
        object(),
        max,
        Metric(),
        10**400,
        Decimal("sNaN"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_is_not_one_number_is_refused_by_key_kind_and_remedy(value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        as_number("train/loss", value)
    assert caught.value.key == "train/loss"
    assert "'train/loss'" in str(caught.value) or value is None
    assert isinstance(caught.value, TypeError)


def test_what_frameworks_have_that_is_not_one_number_is_refused_too() -> None:
    for value in (
        torch.ones(3),
        jnp.ones(3),
        torch.tensor(1j),
        pd.NA,
        pd.DataFrame({"a": [1]}),
        torch.zeros((), device="meta"),
    ):
        with pytest.raises(InvalidValue) as caught:
            as_number("train/loss", value)
        assert caught.value.key == "train/loss"
        assert "'train/loss'" in str(caught.value)
        assert isinstance(caught.value, TypeError)


def test_inside_a_compiled_function_the_error_says_to_log_outside() -> None:
    def step(x: jax.Array) -> jax.Array:
        as_number("loss", x)
        return x

    with pytest.raises(InvalidValue):
        jax.jit(step)(1.0)


@pytest.mark.parametrize(
    "value",
    [
        5,
        np.int64(5),
        np.array(5),
        np.array([5]),
        5.0,
        np.float32(5),
        Decimal(5),
        np.uint8(5),
    ],
    ids=repr,
)
def test_a_step_is_an_integer_of_any_library_or_a_float_that_is_one(value: Any) -> None:
    step = as_step(value)
    assert type(step) is int
    assert step == 5


def test_a_step_of_a_framework_is_an_integer_too() -> None:
    for value in (
        torch.tensor(5),
        torch.tensor([5]),
        torch.tensor(5.0),
        jnp.int32(5),
        jnp.float32(5),
        pd.Series([5]),
    ):
        step = as_step(value)
        assert type(step) is int
        assert step == 5


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_is_a_step(value: int) -> None:
    assert as_step(value) == value


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.bool_(False),
        1.5,
        math.nan,
        math.inf,
        "3",
        None,
        [1],
        np.ones(3, int),
        2**63,
        -(2**63) - 1,
        10**400,
        1e30,
    ],
    ids=repr,
)
def test_what_is_no_step_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        as_step(value)
    assert caught.value.key == "step"


def test_a_tensor_that_is_no_integer_is_no_step() -> None:
    for value in (torch.tensor(True), torch.tensor(1.5)):
        with pytest.raises(InvalidValue) as caught:
            as_step(value)
        assert caught.value.key == "step"


def test_no_array_library_is_imported() -> None:
    code = (
        "import sys; from anew.tracking.scalars import as_number, as_step; "
        "as_number('a', 1.5); as_step(3); "
        "print([m for m in ('numpy', 'torch', 'jax', 'typing', 'pathlib', 'dataclasses') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert done.stdout == "[]\n"
