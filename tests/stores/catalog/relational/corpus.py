"""Filters and sorts with what they mean in plain Python, which knows nothing of SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from anew.query.question import ask
from anew.query.regex import matcher
from anew.stores.catalog.relational import selection as selecting
from anew.stores.catalog.relational.names import CatalogNames
from anew.stores.catalog.relational.selection import Selection

from .catalogs import NOW, Exp

Model = Callable[[Exp], bool]
Make = Callable[[Sequence[Exp]], Any]

NAN, INF = math.nan, math.inf


def search(catalog: Any, text: str | None, sort: Any = "created_at", **more: Any) -> list[int]:
    with catalog.reading() as connection:
        selection = Selection(ask(text, sort=sort, now=NOW), CatalogNames(connection))
        return selection.keys(connection, **more)


def ids(catalog: Any, text: str, experiments: list[Exp]) -> list[str]:
    return [experiments[key - 1].id for key in sorted(search(catalog, text))]


EXPERIMENTS = [
    Exp(
        "k1",
        {"name": "one", "owner": "alice", "status": "completed", "git_dirty": True, "lost": 3},
        {"lr": 0.1, "opt": "adam", "depth": 4, "amp": True, "mixed": 1, "none": None, "nan": NAN},
        {"loss": [2.0, 1.0], "train/loss": [0.5], "a.min": [7.0], "odd name": [1.0]},
        {"vae": None, "team": "ml"},
        ["gpu-1"],
    ),
    Exp(
        "k2",
        {"name": "two", "status": "failed", "git_dirty": False, "description": "a 100% test_run"},
        {"lr": 0.01, "opt": "sgd", "depth": 8, "amp": False, "mixed": "x", "list": [1, 2]},
        {"loss": [1.0, NAN], "train/loss": [INF]},
        {"team": "vision"},
    ),
    Exp(
        "k3",
        {"name": "three", "status": "running", "ended_at": None, "parent": "k1"},
        {"lr": 1},
        {"loss": [-INF, 3.0]},
    ),
    Exp("k4", {"name": "four", "started_at": None, "created_at": NOW - 100_000}),
]

CONDITIONS = [
    ("status == 'completed'", "k1 k4"),
    ("status == 'COMPLETED'", "k1 k4"),
    ("status in ('failed', 'running')", "k2 k3"),
    ("name != 'one'", "k2 k3 k4"),
    ("owner != 'alice'", ""),
    ("not (owner == 'alice')", "k2 k3 k4"),
    ("owner is null", "k2 k3 k4"),
    ("owner exists", "k1"),
    ("owner == null", "k2 k3 k4"),
    ("id =~ '[12]$'", "k1 k2"),
    ("name !~ 'o'", "k3"),
    ("owner !~ 'x'", "k1"),
    ("'st' in description", "k2"),
    ("description contains '%'", "k2"),
    ("description contains '_'", "k2"),
    ("description contains 'T'", ""),
    ("git.dirty", "k1"),
    ("not git.dirty", "k2 k3 k4"),
    ("git.dirty == false", "k2"),
    ("lost > 2", "k1"),
    ("duration < 10m", "k1 k2"),
    ("duration > 600", "k3"),
    ("duration is null", "k4"),
    ("created_at > 1h", "k1 k2 k3"),
    ("created_at < 1d ago", "k4"),
    ("parent == 'k1'", "k3"),
    ("params.lr >= 0.1", "k1 k3"),
    ("params.lr != 0.1", "k2 k3"),
    ("params.lr in (0.1, 1)", "k1 k3"),
    ("params.lr not in (0.1, 1)", "k2"),
    ("0.01 < params.lr < 1", "k1"),
    ("params.lr exists", "k1 k2 k3"),
    ("params.none is null", "k1 k2 k3 k4"),
    ("params.none exists", ""),
    ("params.amp", "k1"),
    ("params.amp == true", "k1"),
    ("params.amp is false", "k2"),
    ("params.amp != true", "k2"),
    ("params.amp == 1", "k1"),
    ("not params.amp", "k2 k3 k4"),
    ("params.mixed == 1", "k1"),
    ("params.mixed == 'x'", "k2"),
    ("params.mixed != 1", "k2"),
    ("params.mixed in (1, 'x')", "k1 k2"),
    ("params.nan is nan", "k1"),
    ("params.nan != 1", "k1"),
    ("params.nan < 1", ""),
    ("params.list == '[1, 2]'", "k2"),
    ("params.opt =~ '^a'", "k1"),
    ("params.opt < 'b'", "k1"),
    ("metrics.loss < 2", "k1"),
    ("metrics.loss.last < 2", "k1"),
    ("metrics.loss.min < 1", "k3"),
    ("metrics.loss.min == -inf", "k3"),
    ("metrics.loss is nan", "k2"),
    ("metrics.loss is not nan", "k1 k3"),
    ("metrics.loss == nan", "k2"),
    ("metrics.loss != 1", "k2 k3"),
    ("metrics.loss != nan", "k1 k3"),
    ("metrics.loss not in (1, 3)", "k2"),
    ("metrics.loss in (nan, 3)", "k2 k3"),
    ("metrics.loss exists", "k1 k2 k3"),
    ("metrics.loss is null", "k4"),
    ("metrics.loss.count == 2", "k1 k2 k3"),
    ("metrics.loss.std exists", "k1"),
    ("metrics.loss.nonfinite > 0", "k2 k3"),
    ("metrics.train/loss > 1", "k2"),
    ('metrics["train/loss"].max > 1', "k2"),
    ('metrics["a.min"] == 7', "k1"),
    ("metrics.a.min == 7", "k1"),
    ("metrics.`odd name`.max == 1", "k1"),
    ("metrics.loss > metrics.train/loss", "k1"),
    ("metrics.loss > params.lr", "k1 k3"),
    ("metrics.loss != metrics.train/loss", "k1 k2"),
    ("started_at < ended_at", "k1 k2"),
    ("name == owner", ""),
    ("'vae' in tags", "k1"),
    ("'vae' not in tags", "k2 k3 k4"),
    ("'new' not in tags", "k1 k2 k3 k4"),
    ("tags contains 'team'", "k1 k2"),
    ("tags.team == 'ml'", "k1"),
    ("tags.team != 'ml'", "k2"),
    ("tags.team =~ '.'", "k1 k2"),
    ("tags.vae exists", "k1"),
    ("tags.vae == ''", ""),
    ("tags is null", "k3 k4"),
    ("tags exists", "k1 k2"),
    ("'gpu-1' in bindrs", "k1"),
    ("bindrs exists", "k1"),
    ("metrics.new exists", ""),
    ("params.new is null and tags.new is null", "k1 k2 k3 k4"),
    ("metrics.new.min not exists", "k1 k2 k3 k4"),
]  # fmt: skip
"""Filters, and the experiments of `EXPERIMENTS` that meet them."""

NUMBERS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, INF, -INF, NAN])

TEXTS = st.sampled_from(["", "a", "ab", "b", "A", "é", "'", "a%", "1"])

experiments_strategy = st.builds(
    Exp,
    id=st.just(""),
    facts=st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["a", "ab", "b"]),
            "status": st.sampled_from(["completed", "failed", "running"]),
            "owner": st.none() | TEXTS,
            "lost": st.integers(0, 2),
            "git_dirty": st.none() | st.booleans(),
            "started_at": st.none() | st.just(NOW - 900),
            "ended_at": st.none() | st.sampled_from([NOW - 800, NOW - 100]),
        },
    ),
    params=st.dictionaries(
        st.sampled_from(["p", "q"]),
        NUMBERS | TEXTS | st.booleans() | st.none() | st.integers(-1, 2),
    ),
    metrics=st.dictionaries(
        st.sampled_from(["m", "n/x"]), st.lists(NUMBERS, min_size=1, max_size=3)
    ),
    tags=st.dictionaries(st.sampled_from(["t", "u"]), st.none() | TEXTS),
)

STATS = ("last", "first", "min", "max", "count", "nonfinite")


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def written(value: float) -> str:
    return repr(value)


def compared(op: str, left: Any, right: Any) -> bool:
    """A comparison as the page says: None is not there, a NaN only differs, kinds are different."""
    if left is None or right is None:
        return False
    if isinstance(left, str) != isinstance(right, str):
        return op == "!="
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[op]


OPS = ("==", "!=", "<", "<=", ">", ">=")

FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@st.composite
def number_fields(draw) -> tuple[str, Callable[[Exp], Any]]:
    which = draw(st.sampled_from(["metric", "param", "lost", "duration"]))
    if which == "metric":
        name, stat = draw(st.sampled_from(["m", "n/x"])), draw(st.sampled_from(STATS))
        return f"metrics.{name}.{stat}", lambda e: e.stat(name, stat)
    if which == "param":
        name = draw(st.sampled_from(["p", "q"]))
        return f"params.{name}", lambda e: e.params.get(name)
    return which, lambda e: e.fact(which)


@st.composite
def text_fields(draw) -> tuple[str, Callable[[Exp], Any]]:
    which = draw(st.sampled_from(["name", "owner", "tag", "param"]))
    if which == "tag":
        name = draw(st.sampled_from(["t", "u"]))
        return f"tags.{name}", lambda e: e.tags.get(name)
    if which == "param":
        name = draw(st.sampled_from(["p", "q"]))
        return f"params.{name}", lambda e: e.params.get(name)
    return which, lambda e: e.fact(which)


@st.composite
def conditions(draw) -> tuple[str, Model]:
    kind = draw(
        st.sampled_from(
            [
                "number",
                "text",
                "in",
                "match",
                "tag",
                "missing",
                "nan",
                "status",
                "fields",
                "contains",
                "truth",
            ]
        )
    )
    op = draw(st.sampled_from(OPS))
    if kind == "number":
        field, of = draw(number_fields())
        value = draw(NUMBERS.filter(lambda v: v == v))
        if draw(st.booleans()):
            return f"{written(value)} {FLIPPED[op]} {field}", lambda e: compared(op, of(e), value)
        return f"{field} {op} {written(value)}", lambda e: compared(op, of(e), value)
    if kind == "text":
        field, of = draw(text_fields())
        text = draw(TEXTS)
        return f"{field} {op} {quoted(text)}", lambda e: compared(op, of(e), text)
    if kind == "in":
        field, of = draw(number_fields())
        values = draw(st.lists(NUMBERS.filter(lambda v: v == v), min_size=1, max_size=3))
        listed = ", ".join(map(written, values))
        if draw(st.booleans()):
            return f"{field} not in ({listed})", lambda e: of(e) is not None and of(e) not in values
        return f"{field} in ({listed})", lambda e: of(e) in values
    if kind == "match":
        field, of = draw(text_fields())
        pattern = draw(st.sampled_from(["a", "^a", "b$", "[A-Z]", "", "é", r"\d"]))
        negated = draw(st.booleans())

        def matches(e: Exp) -> bool:
            value = of(e)
            return isinstance(value, str) and matcher(pattern)(value) != negated

        return f"{field} {'!~' if negated else '=~'} {quoted(pattern)}", matches
    if kind == "tag":
        name, negated = draw(st.sampled_from(["t", "u", "v"])), draw(st.booleans())
        return f"'{name}' {'not ' if negated else ''}in tags", lambda e: (name in e.tags) != negated
    if kind == "missing":
        field, of = draw(number_fields())
        negated = draw(st.booleans())
        return f"{field} is {'not ' if negated else ''}null", lambda e: (of(e) is None) != negated
    if kind == "nan":
        name, stat = draw(st.sampled_from(["m", "n/x"])), draw(st.sampled_from(STATS))

        def is_nan(e: Exp) -> bool:
            value = e.stat(name, stat)
            return value is not None and value != value

        return f"metrics.{name}.{stat} is nan", is_nan
    if kind == "status":
        words = draw(
            st.lists(st.sampled_from(["completed", "failed", "pending"]), min_size=1, max_size=2)
        )
        return f"status in ({', '.join(map(quoted, words))})", lambda e: e.fact("status") in words
    if kind == "fields":
        (left, of_left), (right, of_right) = draw(number_fields()), draw(number_fields())

        def both(e: Exp) -> bool:
            return compared(op, of_left(e), of_right(e))

        return f"{left} {op} {right}", both
    if kind == "contains":
        text = draw(st.sampled_from(["a", "%", "é", "'"]))
        negated = draw(st.booleans())

        def holds(e: Exp) -> bool:
            value = e.fact("owner")
            return value is not None and (text in value) != negated

        return f"{quoted(text)} {'not ' if negated else ''}in owner", holds
    return "git.dirty", lambda e: e.fact("git_dirty") is True


def combined(inner: st.SearchStrategy[tuple[str, Model]]) -> st.SearchStrategy[tuple[str, Model]]:
    def make(op: str, parts: list[tuple[str, Model]]) -> tuple[str, Model]:
        text = f" {op} ".join(f"({part})" for part, _ in parts)
        gather = all if op == "and" else any
        return text, lambda e: gather(model(e) for _, model in parts)

    pairs = st.lists(inner, min_size=2, max_size=3)
    return (
        st.builds(make, st.sampled_from(["and", "or"]), pairs)
        | inner.map(lambda pair: (f"not ({pair[0]})", lambda e, model=pair[1]: not model(e)))
    )  # fmt: skip


FILTERS = st.recursive(conditions(), combined, max_leaves=6)

# Every name is somewhere and parameters are both numbers and texts, so that random filters are no mistakes.
ANCHOR = [
    Exp(
        "z0",
        params={"p": 1.0, "q": 1.0},
        metrics={"m": [1.0], "n/x": [1.0]},
        tags={"t": None, "u": "a", "v": None},
    ),
    Exp("z1", params={"p": "a", "q": "a"}),
]


def populated(found: list[Exp]) -> list[Exp]:
    for number, one in enumerate(found):
        one.id = f"k{number}"
        one.facts["created_at"] = NOW - 1000 + number
    return [*found, *ANCHOR]


# Each property is held against a few examples every time, and against many where there is time for them.
FILTERING = st.lists(experiments_strategy, max_size=6), st.lists(FILTERS, min_size=1, max_size=4)


def check_filters(make: Make, found: list[Exp], filters: list[tuple[str, Model]]) -> None:
    """Filters find what their models find, in a catalog that `make` gives."""
    experiments = populated(found)
    catalog = make(experiments)
    try:
        for text, model in filters:
            assert ids(catalog, text, experiments) == [e.id for e in experiments if model(e)], text
    finally:
        catalog.close()


SORTS: dict[str, Callable[[Exp], Any]] = {
    "created_at": lambda e: e.fact("created_at"),
    "name": lambda e: e.fact("name"),
    "owner": lambda e: e.fact("owner"),
    "duration": lambda e: e.fact("duration"),
    "metrics.m.min": lambda e: e.stat("m", "min"),
    "metrics.n/x": lambda e: e.stat("n/x", "last"),
    "params.p": lambda e: e.params.get("p"),
    "tags.u": lambda e: e.tags.get("u"),
}


def in_order(experiments: list[Exp], sorts: list[str]) -> list[int]:
    keys = list(range(1, len(experiments) + 1))
    first_descending = sorts[0].startswith("-")
    keys.sort(reverse=first_descending)
    for sort in reversed(sorts):
        of, down = SORTS[sort.removeprefix("-")], sort.startswith("-")
        values = {key: of(experiments[key - 1]) for key in keys}
        numbers = [
            k for k in keys if isinstance(values[k], (int, float)) and values[k] == values[k]
        ]
        texts = [k for k in keys if isinstance(values[k], str)]
        rest = [k for k in keys if k not in numbers and k not in texts]
        # sorted(reverse=True) keeps the order of equal ones, as it should.
        ordered = sorted(numbers, key=values.__getitem__, reverse=down)
        keys = ordered + sorted(texts, key=lambda k: values[k].encode(), reverse=down) + rest
    return keys


sorts_strategy = st.lists(
    st.tuples(st.sampled_from(["", "-"]), st.sampled_from(sorted(SORTS))).map("".join),
    min_size=1,
    max_size=3,
    unique_by=lambda s: s.removeprefix("-"),
)

ANSWERING = (
    st.lists(experiments_strategy, max_size=7),
    FILTERS,
    sorts_strategy,
    st.none() | st.integers(0, 9),
    st.integers(0, 9),
)


def check_answers(
    make: Make,
    found: list[Exp],
    chosen: tuple[str, Model],
    sorts: list[str],
    limit: int | None,
    offset: int,
) -> None:
    text, model = chosen
    experiments = populated(found)
    catalog = make(experiments)
    every = [key for key in in_order(experiments, sorts) if model(experiments[key - 1])]
    expected = every[offset:] if limit is None else every[offset : offset + limit]
    bounds = selecting.PICKED, selecting.WALKED, selecting.SORTED
    try:
        for forced in (bounds, (0, 10**6, 0), (10**6, 0, 0), (0, 0, 10**6), (0, 0, 0), (0, 6, 1)):
            selecting.PICKED, selecting.WALKED, selecting.SORTED = forced
            keys = search(catalog, text, sorts, limit=limit, offset=offset)
            assert keys == expected, (forced, text, sorts)
            assert catalog.count(ask(text, sort=sorts, now=NOW)) == len(every)
    finally:
        selecting.PICKED, selecting.WALKED, selecting.SORTED = bounds
        catalog.close()
