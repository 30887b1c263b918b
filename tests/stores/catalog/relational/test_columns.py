"""Columns of settings read by their names, as of very many experiments: what the documents have."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

from anew.query.question import NamesQuestion, ask
from anew.stores.catalog.protocol import Batch
from anew.stores.catalog.relational import among, columns, keys
from anew.stores.catalog.sqlite import SqliteCatalog
from anew.testing.catalog_writing import NOW, entry_of
from anew.testing.filters import experiments
from anew.testing.settings_told import metrics_told, settings_told

WANTED = ["params.n", "n", "config.n", "params.mixed", "t", "tags.team", "tags.old"]
LONG = "x" * 600


@pytest.fixture(scope="module")
def catalog():
    catalog = SqliteCatalog(None)
    yield catalog
    catalog.close()


def fill(catalog: Any, given: list[dict[str, Any]]) -> None:
    catalog.create()
    catalog.save(Batch(entries=[entry_of(f"id{n}", **one) for n, one in enumerate(given)]))


def both_ways(catalog: Any, wanted: list[str], filter: str | None = None) -> list[str]:
    """What the documents have, and what is read by names."""
    question = ask(filter, columns=wanted, sort="-id", now=NOW)
    told = []
    for few, fast in ((2000, 15), (0, 1000)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns, "FEW", few)
            patch.setattr(keys, "FEW", few)
            patch.setattr(keys, "_AT_ONCE", 2)
            patch.setattr(columns, "_AS_FAST", fast)
            told.append(repr(catalog.select(question)))
    return told


@settings(max_examples=40, deadline=None)
@given(experiments(NOW))
def test_a_setting_is_the_same_by_its_name_as_out_of_the_document(catalog, given):
    fill(catalog, given)
    by_document, by_name = both_ways(catalog, WANTED)
    assert by_name.replace("-0.0", "0.0") == by_document.replace("-0.0", "0.0")


def test_what_is_long_nested_empty_or_not_a_number_is_whole_by_its_name_too(catalog):
    values = [LONG, LONG + "y", [1, {"a": math.nan}], {}, 2**80, -(2**1000), -math.inf, True, None]
    fill(catalog, [{"params": {"a.b": value}, "config": {"c": value}} for value in values])
    for filter in (None, "name == 'run'"):
        by_document, by_name = both_ways(catalog, ["params.a.b", "config.c", "a.b"], filter)
        assert by_name == by_document
    assert LONG + "y" in by_name


ALONE = ([1, -(2**60), 2**53 - 1, 2**53 + 1], [7, 0, -3], [0.5, -math.inf, 1e300], ["a", "", LONG[:5]], [1, None], [0.5, 1], ["a", 2], [math.nan, 0.5])  # fmt: skip


def test_values_of_one_type_are_what_they_were(catalog):
    for values in ALONE:
        fill(catalog, [{"params": {"n": value}} for value in values])
        told = both_ways(catalog, ["params.n"])
        assert told[0] == told[1]


def test_the_ids_of_most_experiments_are_those_that_are_looked_up(catalog):
    fill(catalog, [{"params": {"n": at}} for at in range(6)])
    for filter in (None, "n > 0", "n > 4"):
        asked = ask(filter, sort="-n", now=NOW)
        looked_up = catalog.select(asked).ids
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keys, "FEW", 0)
            assert catalog.select(asked).ids == looked_up
    assert looked_up == ["id5"]


@settings(max_examples=20, deadline=None)
@given(experiments(NOW))
def test_metrics_of_many_are_counted_as_their_values_are(catalog, given):
    fill(catalog, given)
    asked = ask("params.n exists", now=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(among, "FEW", 0)
        told = catalog.names(NamesQuestion(kind="metric", among=asked, now=NOW))
    assert told == metrics_told(catalog, asked)


@settings(max_examples=20, deadline=None)
@given(experiments(NOW))
def test_settings_of_many_are_told_as_their_values_say_it(catalog, given):
    fill(catalog, given)
    asked = ask("params.n exists", now=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "FEW", 0)
        told = catalog.names(NamesQuestion(kind="setting", among=asked, now=NOW))
    assert told == settings_told(catalog, asked)


def test_settings_of_those_between_others_are_not_told_of_these(catalog):
    fill(catalog, [{"params": {"n": at, "other": at}} for at in range(6)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "FEW", 0)
        asked = ask("params.n in (0, 1, 3, 4)", now=NOW)
        told = catalog.names(NamesQuestion(kind="setting", among=asked, now=NOW))
    assert [(one.name, one.count, one.values) for one in told] == [("n", 4, 4), ("other", 4, 4)]
