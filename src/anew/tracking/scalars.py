"""Converting the values and steps that a training loop logs to numbers.

No array library is imported: what one hands over is recognised by the methods it has. A metric is a
float64, so integers beyond 2**53 are rounded to the nearest one; everything smaller is exact, and
so are the 16- and 32-bit floats of NumPy, PyTorch and JAX.
"""

from __future__ import annotations

import operator

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["as_number", "as_step", "describe"]

_EXACT = 2**53
_LONGEST_STEP = 2**63 - 1
_HINT_TEXT = 'A metric is a number. Use log("…") for a message, params.set() for a setting, and a Text for a text that belongs to a step.'
_HINT_ARRAY = "A metric is one number per call. Log its mean(), or each element under a separate name. To keep a whole array, use log_value() with a Histogram, an Image or a Table."
_HINT_TRACED = " Inside a compiled function it has no value yet. Return it and log it outside."


# NumPy's kinds of scalars met so far: always one number, which item() gives.
_scalars: set[type] = set()


def as_number(key: str, value: Any) -> float | int:
    """The number that a metric's value stands for.

    Takes bool, int, float, Decimal, Fraction, and scalars or arrays of one element of NumPy,
    PyTorch (also on a device, in bfloat16, or requiring a gradient), JAX and TensorFlow.

    Raises:
        InvalidValue: It is not one number; the error names the key, what came, and what to do.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return value if -_EXACT <= value <= _EXACT else _rounded(key, value)
    if kind in _scalars:
        return as_number(key, value.item())
    return _convert(key, value)


def _convert(key: str, value: Any) -> float | int:
    if isinstance(value, int):  # bool and enumerations too
        return as_number(key, int(value))
    if isinstance(value, float):  # np.float64 is one
        return float(value)
    if value is None or isinstance(value, (str, bytes, bytearray, complex)):
        raise _refused(key, value)
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "kind", "") in ("M", "m", "S", "U", "c"):  # dates, durations, text, complex
        raise _refused(key, value)
    if _elements(value) not in (1, None):
        raise _refused(key, value)
    for method in ("item", "numpy", "__float__", "__index__"):
        call = getattr(value, method, None)
        if not callable(call) or (method == "numpy" and dtype is None):
            continue
        try:
            got = call()
        except Exception as error:
            # A device that has failed, a value traced by a compiler: what it says matters.
            raise _unreadable(key, value, error) from error
        if type(got) is type(value) and method != "__float__":
            continue  # NumPy's own item() of an extended float or a bfloat16
        if method == "item" and type(value).__module__ == "numpy" and not hasattr(value, "__len__"):
            _scalars.add(type(value))
        return as_number(key, got) if not isinstance(got, complex) else _raise(key, value)
    raise _refused(key, value)


def _raise(key: str, value: Any) -> float:
    raise _refused(key, value)


def _rounded(key: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidValue(
            f"The value of {key!r} is an integer of {value.bit_length()} bits, larger than any "
            "float64. Log its logarithm, or a ratio.",
            key=key,
        ) from None


def _elements(value: Any) -> int | None:
    """How many elements an array holds; None for what is not an array."""
    shape = getattr(value, "shape", None)
    if shape is None or callable(shape):
        return None
    count = 1
    try:
        for length in shape:
            count *= int(length)
    except TypeError:
        return None
    return count


def describe(value: Any) -> str:
    """What `value` is, in a few words for an error: its type, and shape and dtype if it has them."""
    kind = type(value)
    module = kind.__module__
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    if _elements(value) is not None:
        shape = tuple(value.shape)
        return f"{name} of shape {shape} and dtype {getattr(value, 'dtype', 'unknown')}"
    if isinstance(value, (str, bytes)):
        return f"{name} {value if len(value) <= 40 else value[:40]!r}"
    try:
        return f"{name} of {len(value)} elements"
    except Exception:  # noqa: BLE001  (no length, or one that cannot be told)
        return name


def _refused(key: str, value: Any) -> InvalidValue:
    if value is None:
        return InvalidValue(
            f"The value of {key!r} is None. Leave the metric out of this call, or log float('nan').",
            key=key,
        )
    if isinstance(value, (str, bytes, bytearray)):
        hint = _HINT_TEXT
    elif isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", "") == "c":
        hint = "A complex number is two metrics: log its .real and .imag, or its abs()."
    elif isinstance(value, dict):
        hint = (
            "log_metrics() takes a mapping of several metrics at once. Join nested names with '/'."
        )
    elif callable(getattr(value, "compute", None)):
        hint = "Log the result of its compute()."
    else:
        hint = _HINT_ARRAY
    return InvalidValue(
        f"The value of {key!r} is not a number but {describe(value)}. {hint}", key=key
    )


def _unreadable(key: str, value: Any, error: Exception) -> InvalidValue:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InvalidValue(
        f"The value of {key!r}, {describe(value)}, could not be read as a number: {first}"
        + _HINT_TRACED * ("Tracer" in type(value).__name__),
        key=key,
    )


def as_step(step: Any) -> int:
    """A step as an integer of 64 bits.

    Takes integers of every library, integral floats, and arrays of one such element.

    Raises:
        InvalidValue: It is a boolean, has a fraction, is no number, or does not fit in 64 bits.
    """
    if type(step) is not int:
        step = _step(step)
    if -_LONGEST_STEP - 1 <= step <= _LONGEST_STEP:
        return step  # type: ignore[no-any-return]
    raise InvalidValue(
        f"The step {step:.3e} does not fit in 64 bits."
        if abs(step) < 10**300
        else "The step does not fit in 64 bits.",
        key="step",
    )


def _step(step: Any) -> int:
    number = None
    if _is_boolean(step):
        raise InvalidValue(f"A step must be an integer, not the boolean {step}.", key="step")
    try:
        return operator.index(step)
    except Exception:  # noqa: BLE001  (not an integer: perhaps a float with an integer's value)
        pass
    try:
        number = as_number("step", step)
        if number == number and number not in (float("inf"), float("-inf")):
            whole = int(number)
            if whole == number:
                return whole
    except InvalidValue:
        pass
    shown = describe(step) if number is None else f"{number!r}"
    raise InvalidValue(
        f"A step must be an integer, not {shown}. Keep a fractional epoch as a separate metric.",
        key="step",
    )


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool")
