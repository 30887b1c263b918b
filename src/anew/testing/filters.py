"""Experiments and filters at random, for properties that hold whatever is asked."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from ..query.scope import Scope
from ..record.status import Status

__all__ = ["PLACES", "experiments", "filters", "scopes", "sorts"]

# Around what a float64 and 64 bits hold, where engines go wrong.
_EDGES = [2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, 2**63, 2**64, 2**64 + 1, 2**128, 2**128 + 1]
NUMBERS: list[Any] = [0, 1, -1, 0.5, -0.0, 1e300, math.inf, -math.inf]
NUMBERS += [sign * edge for edge in _EDGES for sign in (1, -1)] + [float(2**53), float(2**64)]
TEXTS = ["", "a", "A", "é", "ab", "b%", "a_b", "\uffff", "\U00010000", "1", "x" * 600, "it's"]
VALUES = [*NUMBERS, *TEXTS, True, False, None, math.nan, [1, "a"], {}]
POINTS = [0.0, -0.0, 1.0, 2.5, -7.0, 1e100, float(2**53), math.nan, math.inf, -math.inf]

# `n` and `t` are parameters and configuration keys, `m` and `loss` only one thing.
_NUMERIC = [
    "n",
    "m",
    "loss",
    "loss.min",
    "params.n",
    "params.m",
    "params.mixed",
    "metrics.loss",
    "metrics.loss.min",
]
_NUMERIC += ["metrics.loss.std", "metrics.loss.count", "file_bytes", "duration"]
_TEXTUAL = ["t", "params.t", "params.mixed", "tags.team", "name", "owner", "config.t"]
_TIMES = ["created_at", "ended_at"]
_FIELDS = [*_NUMERIC, *_TEXTUAL, *_TIMES]


_FULL: dict[str, Any] = {
    "params": {"n": 1, "m": 2.5, "t": "a", "mixed": "b"},
    "config": {"t": "a", "n": 2},
    "tags": {"team": "ml", "old": None},
    "bindrs": ["gpu"],
    "inputs": {"train.csv": "ab12cd34" * 8},
    "metrics": {"loss": [2.0, 1.0]},
}


def experiments(now: float) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Keyword arguments for `testing.catalog_writing.entry_of`, some experiments of them."""
    one = st.fixed_dictionaries(
        {
            "name": st.sampled_from(TEXTS[1:]),
            "status": st.sampled_from(list(Status)),
            "created_at": st.sampled_from([now - 86400.0, now - 10.0, now]),
        },
        optional={
            "owner": st.sampled_from(TEXTS),
            "started_at": st.just(now - 100.0),
            "ended_at": st.just(now - 40.0),
            "git_dirty": st.booleans(),
            "file_bytes": st.sampled_from([0, 7, 2**53 + 1, 2**63 - 1]),
            "params": st.fixed_dictionaries(
                {},
                optional={
                    "n": st.sampled_from([*NUMBERS, True, None, math.nan]),
                    "m": st.sampled_from(NUMBERS),
                    "t": st.sampled_from([*TEXTS, None]),
                    "mixed": st.sampled_from(VALUES),
                },
            ),
            "config": st.fixed_dictionaries(
                {}, optional={"t": st.sampled_from(TEXTS), "n": st.sampled_from([*NUMBERS, None])}
            ),
            "tags": st.dictionaries(
                st.sampled_from(["team", "old"]), st.sampled_from([None, "ml", "a"])
            ),
            "bindrs": st.lists(st.sampled_from(["gpu", "cpu"]), unique=True),
            "inputs": st.dictionaries(
                st.sampled_from(["train.csv", "ab12cd34", "test"]),
                st.sampled_from(["ab12cd34" * 8, "ab12cd35", "", "x"]),
            ),
            "metrics": st.fixed_dictionaries(
                {}, optional={"loss": st.lists(st.sampled_from(POINTS), min_size=1, max_size=4)}
            ),
        },
    )
    # With one that has every name, few filters are mistakes for naming what nobody has.
    return st.lists(one, max_size=7).map(lambda some: [*some, _FULL])


def filters() -> st.SearchStrategy[str]:
    """Filters as text; some are mistakes, depending on what the experiments have."""
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    numbers = st.sampled_from([str(n).replace("e+", "e") for n in NUMBERS])
    texts = st.sampled_from([_quoted(text) for text in TEXTS])
    times = st.sampled_from(["50s", "2d", "2026-09-21", "2026-09", "1790000000"])
    conditions = st.one_of(
        st.builds(" ".join, st.tuples(st.sampled_from(_NUMERIC), operators, numbers)),
        st.builds(" ".join, st.tuples(numbers, operators, st.sampled_from(_NUMERIC))),
        st.builds(" ".join, st.tuples(st.sampled_from(_TEXTUAL), operators, texts)),
        st.builds(" ".join, st.tuples(st.sampled_from(_TIMES), operators, times)),
        st.builds(" ".join, st.tuples(st.sampled_from(_FIELDS), operators, st.sampled_from(_FIELDS))),
        st.builds(_listed, st.sampled_from(_NUMERIC), st.booleans(), st.lists(numbers, min_size=1)),
        st.builds(_listed, st.sampled_from(_TEXTUAL), st.booleans(), st.lists(texts, min_size=1)),
        st.builds(
            " ".join,
            st.tuples(
                st.sampled_from(_TEXTUAL), st.sampled_from(["contains", "not contains"]), texts
            ),
        ),
        st.builds(
            " ".join,
            st.tuples(
                st.sampled_from(_TEXTUAL),
                st.sampled_from(["=~", "!~"]),
                st.sampled_from(["'^a'", "'[A-Z]'", "'b$'", "''", "'.'", r"'\\d'"]),
            ),
        ),
        st.builds(
            " ".join,
            st.tuples(
                st.sampled_from([*_FIELDS, "tags", "bindrs", "inputs", "files"]),
                st.sampled_from(["is null", "exists", "is nan", "is not nan", "not exists"]),
            ),
        ),
        st.sampled_from(
            [
                "git.dirty", "params.n", "'team' in tags", "'old' not in tags", "'gpu' in bindrs",
                "'train.csv' in inputs", "'ab12cd34' in inputs", "'ab12cd3' not in inputs",
                "'ab12cd34ab12' in inputs", "'nowhere' in inputs", "inputs in ('x', 'ab12cd35')", "inputs not in ('test', '')",
                "'m.pt' not in files",
                "status == 'failed'", "status in ('running', 'Completed')", "params.n == true",
                "params.n == nan", "params.mixed in ('a', 1)", "params.n in (nan, 1)",
            ]
        ),
    )  # fmt: skip
    return st.recursive(
        conditions,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=4,
    )


def sorts() -> st.SearchStrategy[list[str]]:
    """Sorts as text, all by fields that have an order."""
    one = st.builds("{}{}".format, st.sampled_from(["", "-"]), st.sampled_from(_FIELDS))
    return st.lists(one, min_size=1, max_size=2)


PLACES = [
    "lab/vision/",
    "lab/vision/runs/",
    "lab/audio/",
    "lab/",
    "LAB/vision/",
    "labs/x/",
    "",
    "l/v/",
    "[a]/?/",
]
"""Where experiments lie: a name comes after it."""


def scopes() -> st.SearchStrategy[Scope]:
    """Scopes that have some of the projects in `PLACES`."""
    patterns = st.sampled_from(
        [
            "lab/*",
            "lab",
            "lab/vision",
            "*/vision",
            "l*",
            "l*/*",
            "~",
            "~*",
            "[a]/?",
            "?ab",
            "*/*",
            "a*",
            "*",
        ]
    )
    some = st.lists(patterns, max_size=3).map(tuple)
    return st.builds(Scope, some, st.one_of(st.just("*"), patterns))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _listed(field: str, negated: bool, values: list[str]) -> str:
    return f"{field} {'not in' if negated else 'in'} ({', '.join(values)})"
