"""The catalog in PostgreSQL: every promise of the seam, the answers of SQLite, and a server that others use, or that goes away."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anew.errors import QueryError, TookTooLong
from anew.postgres.texts import kept, told
from anew.query.question import FactsQuestion, NamesQuestion, Wanted, ask, parse_field
from anew.query.scope import Scope
from anew.stores.catalog.postgres import PostgresCatalog
from anew.stores.catalog.protocol import Batch, Catalog, CatalogState
from anew.stores.catalog.sqlite import SqliteCatalog
from anew.testing.catalog import CatalogContract
from anew.testing.catalog_writing import NOW, entry_of
from anew.testing.filters import experiments, filters, sorts
from tests.stores.catalog.relational.catalogs import Exp, fill
from tests.stores.catalog.relational.corpus import (
    ANSWERING,
    CONDITIONS,
    EXPERIMENTS,
    FILTERING,
    check_answers,
    check_filters,
    ids,
)

ANY_FIXTURE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture
def catalog(make_database: Callable[[], str]) -> Iterator[PostgresCatalog]:
    catalog = PostgresCatalog(make_database())
    catalog.create()
    yield catalog
    catalog.close()


@pytest.mark.slow
class TestContract(CatalogContract):
    @pytest.fixture
    def catalog(self, make_database: Callable[[], str]) -> Iterator[PostgresCatalog]:
        catalog = PostgresCatalog(make_database())
        catalog.create()
        yield catalog
        catalog.close()


@pytest.mark.parametrize(
    "promise",
    [
        CatalogContract.test_columns_hold_what_was_recorded,
        CatalogContract.test_groups_count_and_add_up,
        CatalogContract.test_large_integers_are_found_and_sorted_exactly,
        CatalogContract.test_saving_again_changes_only_what_is_given,
        CatalogContract.test_a_cursor_tells_what_was_saved_and_forgotten_since,
    ],
)
def test_promises_in_which_engines_differ_are_kept(catalog: PostgresCatalog, promise: Any) -> None:
    promise(CatalogContract(), catalog)


# -- what is asked means the same ------------------------------------------------------------------


def test_conditions_mean_what_the_page_says(catalog: PostgresCatalog) -> None:
    fill(catalog, EXPERIMENTS)
    for text, expected in CONDITIONS:
        assert ids(catalog, text, EXPERIMENTS) == expected.split(), text


def _filled(catalog: PostgresCatalog) -> Callable[[Sequence[Exp]], PostgresCatalog]:
    def make(given: Sequence[Exp]) -> PostgresCatalog:
        fill(catalog, given)
        return catalog

    return make


@pytest.mark.slow
@settings(max_examples=50, **ANY_FIXTURE)
@given(*FILTERING)
def test_random_filters_find_what_a_plain_python_model_finds(catalog, found, filters):
    check_filters(_filled(catalog), found, filters)


@pytest.mark.slow
@settings(max_examples=30, **ANY_FIXTURE)
@given(*ANSWERING)
def test_all_ways_of_answering_give_the_model_s_order_limit_and_total(
    catalog, found, chosen, sorts, limit, offset
):
    check_answers(_filled(catalog), found, chosen, sorts, limit, offset)


ODD = ["", "\x00", "a\x00b", "\x01", "\x02", "\x03", "\x01\x02\x02", "\x00\x02", "\x04", "a\nb", "a", "%", "_", "\\", "é", "\U00010000", "\uffff"]  # fmt: skip


def _both(catalog: PostgresCatalog, entries: Sequence[Any]) -> list[Catalog]:
    both: list[Catalog] = [catalog, SqliteCatalog(None)]
    for one in both:
        one.create()
        one.save(Batch(entries=entries))
        one.finish()
    return both


def _answers(catalog: Catalog, *asked: dict[str, Any]) -> list[str]:
    told = []
    for one in asked:
        try:
            question = ask(now=NOW, **one)
            told.append(repr((catalog.select(question), catalog.count(question))))
        except QueryError as error:
            told.append(f"{error} {error.candidates}")
    return told


def test_texts_of_any_characters_are_kept_compared_and_found_as_sqlite_does(
    catalog: PostgresCatalog,
) -> None:
    postgres, sqlite = _both(
        catalog,
        [
            entry_of(f"id{n}", name=text or "run", owner=text, params={"p": text, f"n{text}": 1}, tags={"t": text})
            for n, text in enumerate(ODD)
        ],
    )  # fmt: skip
    questions: list[dict[str, Any]] = [
        {"sort": sort, "columns": ["name", "owner", "params.p", "tags.t"]}
        for sort in ("owner", "-params.p", "tags.t", "name")
    ]
    for text in ODD:
        quoted = "'" + text.replace("\\", "\\\\") + "'"
        fields = ("owner", "params.p", "tags.t")
        questions += [{"filter": f"{field} == {quoted}"} for field in fields]
        questions += [{"filter": f"{field} > {quoted}"} for field in fields]
        questions += [{"filter": f"{field} contains {quoted}"} for field in fields]
    questions += [{"group": ["owner"]}, {"group": ["params.p"]}, {"columns": ["params"]}]
    assert _answers(postgres, *questions) == _answers(sqlite, *questions)
    names = NamesQuestion(kind="param", counts=True)
    assert postgres.names(names) == sqlite.names(names)


@given(st.text(st.sampled_from("\x00\x01\x02\x03\x04a"), max_size=8), st.text(st.sampled_from("\x00\x01\x02\x03\x04a"), max_size=4))  # fmt: skip
def test_kept_texts_have_the_order_and_the_parts_of_those_that_they_stand_for(one, other):
    assert told(kept(one)) == one
    assert "\x00" not in kept(one)
    assert (kept(one) < kept(other)) == (one < other)
    assert (kept(other) in kept(one)) == (other in one)


PATTERNS = [r"^a", r"(?i)^A$", r"\d+$", r"a.b", r"(?s)a.b", r"(?m)^b$", r"^b$", r"\pL", r"[[:alpha:]]{2}", r"x|é", r"^$", r"\bfoo\b", r"(a*)*b", r"[^a]", r"\x41", r"\z", r"(?P<n>o)o", r"\Qa.b\E", r"run-00[01]", "\x00"]  # fmt: skip


def test_patterns_are_those_of_re2(catalog: PostgresCatalog) -> None:
    texts = ["a", "A", "ab", "a\nb", "b", "é", "1", "x1", "foo bar", "food", "", "AB", "a.b", "aXb", "run-001", "run-010", "a\x00"]  # fmt: skip
    postgres, sqlite = _both(
        catalog,
        [entry_of(f"id{n}", name=t or "-", notes=t, params={"p": t}) for n, t in enumerate(texts)],
    )
    asked = []
    for pattern in [*PATTERNS, "(?=a)", r"(a)\1", "a**", "["]:
        quoted = "'" + pattern.replace("\\", "\\\\") + "'"
        for condition in (f"params.p =~ {quoted}", f"not notes =~ {quoted}", f"name !~ {quoted} and lost == 0"):  # fmt: skip
            asked.append({"filter": condition})
    assert _answers(postgres, *asked) == _answers(sqlite, *asked)
    assert list(postgres.select(ask(r"params.p =~ '\\d'", now=NOW)).ids) == [
        "id6", "id7", "id14", "id15",
    ]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, **ANY_FIXTURE)
@given(experiments(NOW), st.lists(filters(), min_size=1, max_size=5), sorts())
def test_every_answer_is_that_of_sqlite(catalog, given, texts, sort) -> None:
    postgres, sqlite = _both(
        catalog, [entry_of(f"id{n}", **facts) for n, facts in enumerate(given)]
    )
    columns = ["name", "params", "config", "metrics", "tags", "metrics.loss.min", "file_bytes"]
    sums = [Wanted(parse_field(f), of) for f in ("file_bytes", "metrics.loss", "params.m") for of in ("min", "max")]  # fmt: skip
    questions: list[dict[str, Any]] = [{"sort": sort, "columns": columns}]
    for text in texts:
        questions.append({"filter": text, "sort": sort, "limit": 3, "total": True})
        questions.append({"filter": text, "group": ["params.mixed"], "columns": sums})
    assert _answers(postgres, *questions) == _answers(sqlite, *questions)


@pytest.mark.parametrize("sort", [[], ["owner"], ["-params.p"]])
def test_a_text_that_is_not_there_meets_no_pattern_even_if_all_others_do(
    catalog: PostgresCatalog, sort: list[str]
) -> None:
    catalog.save(
        Batch(entries=[entry_of("a", owner="x", params={"p": "t"}), entry_of("b", params={"q": 1})])
    )
    for text in ("owner =~ '.*'", "params.p =~ '[a-z]*'"):
        assert list(catalog.select(ask(text, sort=sort, now=NOW)).ids) == ["a"]
        assert catalog.count(ask(text, now=NOW)) == 1
        assert list(catalog.select(ask(f"not {text}", sort=sort, now=NOW)).ids) == ["b"]


def test_sums_that_no_float_holds_are_no_errors(catalog: PostgresCatalog) -> None:
    values = {
        "big": [1e308, 1e308, -1.0],
        "inf": [math.inf, -math.inf, 1.0],
        "one": [1.5, 2.5, 4.0],
    }
    postgres, sqlite = _both(
        catalog,
        [entry_of(f"id{n}", params={k: v[n] for k, v in values.items()}) for n in range(3)],
    )
    asked = [
        {"columns": [Wanted(parse_field(f"params.{name}"), of)]}
        for name in values
        for of in ("sum", "mean", "std", "min", "max")
    ]
    assert _answers(postgres, *asked) == _answers(sqlite, *asked)


def test_no_text_is_too_long(catalog: PostgresCatalog) -> None:
    long = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(9000))  # does not compress
    one = entry_of(
        "a", name=long, parent=long, relation=long, notes=long, user=long, params={long: long},
        tags={long: long}, bindrs=[long], metrics={long: [1.0]},
    )  # fmt: skip
    catalog.save(Batch(entries=[one, entry_of("b", params={"x": 1})]))
    catalog.finish()
    catalog.save(Batch(entries=[entry_of("c", name=long, tags={long: "v"})]))
    assert list(catalog.select(ask(f"parent == '{long}'", now=NOW)).ids) == ["a"]
    assert list(catalog.select(ask(f"name == '{long}' and '{long}' in bindrs", now=NOW)).ids) == ["a"]  # fmt: skip
    assert list(catalog.select(ask(f"tags['{long}'] == 'v'", now=NOW)).ids) == ["c"]


# -- others use the same database ------------------------------------------------------------------


def test_a_catalog_that_another_server_made_again_is_filled_with_its_own_names(
    make_database: Callable[[], str],
) -> None:
    url = make_database()
    one, other = PostgresCatalog(url), PostgresCatalog(url)
    assert one.state() is CatalogState.UNUSABLE
    one.create()
    one.save(Batch(entries=[entry_of("a", params={"first": 1, "lr": 1})]))
    one.finish()
    cursor = one.changed(None).cursor
    other.create()
    other.save(Batch(entries=[entry_of("b", params={"second": 2})]))
    one.save(Batch(entries=[entry_of("c", params={"lr": 3, "first": 4})]))
    assert one.names(NamesQuestion(kind="param", counts=True)) == other.names(
        NamesQuestion(kind="param", counts=True)
    )
    assert list(other.select(ask("params.lr == 3 and params.first == 4", now=NOW)).ids) == ["c"]
    other.finish()
    assert one.changed(cursor).everything
    one.close()
    other.close()


_SAVER = """
import sys
from anew.query.question import ask
from anew.stores.catalog.postgres import PostgresCatalog
from anew.stores.catalog.protocol import Batch
from anew.testing.catalog_writing import NOW, entry_of

url, who = sys.argv[1:]
catalog = PostgresCatalog(url)
for n in range(25):
    names = {f"p{n}": n, f"own-{who}": n}
    catalog.save(Batch(entries=[entry_of(f"{who}-{n}-{k}", params=names, metrics={"m": [k]}) for k in range(4)]))
    assert catalog.count(ask(f"params.own-{who} == {n}", now=NOW)) == 4
"""


@pytest.mark.slow
def test_processes_that_save_at_once_lose_nothing_and_double_nothing(make_database) -> None:
    url = make_database()
    catalog = PostgresCatalog(url)
    catalog.create()
    catalog.finish()
    savers = [subprocess.Popen([sys.executable, "-c", _SAVER, url, who]) for who in ("a", "b", "c")]
    assert [one.wait() for one in savers] == [0, 0, 0]
    assert catalog.count(ask(now=NOW)) == 300
    counted = {
        one.name: one.count for one in catalog.names(NamesQuestion(kind="param", counts=True))
    }
    assert counted == {f"p{n}": 12 for n in range(25)} | {f"own-{who}": 100 for who in "abc"}
    every = catalog.select(ask(now=NOW)).ids
    assert len({one.key for one in catalog.known(ids=every)}) == 300
    assert set(catalog.changed(None).ids) == set()
    catalog.close()


def test_a_question_that_waits_too_long_is_ended_in_the_server(make_database) -> None:
    url = make_database()
    catalog = PostgresCatalog(url)
    catalog.create()
    catalog.save(Batch(entries=[entry_of("a")]))
    with psycopg.connect(url) as other:
        other.execute('LOCK TABLE anew_catalog."experiments" IN ACCESS EXCLUSIVE MODE')
        for scope in (None, Scope(("*",))):
            with pytest.raises(TookTooLong):
                catalog.within(scope, seconds=0.05).count(ask(now=NOW))
        running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
        assert other.execute(running).fetchone() == (1,)  # the one that asks this
    assert catalog.count(ask(now=NOW)) == 1
    catalog.close()


def test_the_planner_knows_which_values_a_param_has(make_database) -> None:
    url = make_database()
    catalog = PostgresCatalog(url)
    catalog.create()
    names = [f"p{n}" for n in range(10)]
    catalog.save(
        Batch(
            entries=[
                entry_of(
                    f"e{n}", params={name: n + at for at, name in enumerate(names)} | {"amp": True}
                )
                for n in range(300)
            ]
        )
    )
    catalog.finish()
    with psycopg.connect(url, options="-c search_path=anew_catalog") as other:
        ((key,),) = other.execute(
            "SELECT key FROM names WHERE name = 'amp' AND kind = 'param'"
        ).fetchall()
        ((plan,),) = other.execute(
            f"EXPLAIN (FORMAT JSON) SELECT 1 FROM params WHERE number = 1 AND name_key = {key}"
        ).fetchall()
    assert (
        200 < plan[0]["Plan"]["Plan Rows"] < 400
    )  # not a tenth of it, as if values were spread over all names
    catalog.close()


def test_a_reader_sees_one_state_while_another_saves(catalog: PostgresCatalog) -> None:
    catalog.save(Batch(entries=[entry_of("a")]))
    with catalog.reading() as connection:
        count = "SELECT count(*) FROM experiments"
        assert connection.execute(count).fetchone() == (1,)
        thread = threading.Thread(target=catalog.save, args=(Batch(entries=[entry_of("late")]),))
        thread.start()
        thread.join(300)
        assert connection.execute(count).fetchone() == (1,)
    assert catalog.count(ask(now=NOW)) == 2


# -- the server goes away --------------------------------------------------------------------------


def test_a_server_that_is_gone_is_an_os_error_and_its_return_needs_no_new_catalog(
    own_postgres,
) -> None:
    url = own_postgres.make_database().replace("anew@", "anew:hush-hush@")
    catalog = PostgresCatalog(url)
    catalog.create()
    catalog.save(Batch(entries=[entry_of("a", params={"lr": 1})]))
    catalog.finish()
    assert catalog.state() is CatalogState.COMPLETE
    own_postgres.stop()
    for call in (
        catalog.state,
        lambda: catalog.count(ask(now=NOW)),
        lambda: catalog.save(Batch(entries=[entry_of("b")])),
    ):
        with pytest.raises(OSError) as caught:
            call()
        assert "hush" not in str(caught.value)
    own_postgres.start()
    catalog.save(Batch(entries=[entry_of("b", params={"lr": 2})]))
    assert list(catalog.select(ask("params.lr > 0", now=NOW)).ids) == ["a", "b"]
    # Connections that were kept are those of a server that is no more.
    own_postgres.kill()
    own_postgres.start()
    assert catalog.state() is CatalogState.COMPLETE
    assert [one.id for one in catalog.facts(FactsQuestion(ids=("a",), now=NOW))] == ["a"]
    catalog.close()


def test_a_database_of_another_encoding_is_refused(postgres_server) -> None:
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
        )
    catalog = PostgresCatalog(postgres_server.url.removesuffix("postgres") + "latin")
    with pytest.raises(OSError, match="LATIN1"):
        catalog.create()
