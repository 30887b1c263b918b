"""The SQL of filters, against a model in plain Python that knows nothing of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from anew.errors import QueryError
from anew.stores.catalog.relational import selection

from .catalogs import Exp, catalog_of
from .corpus import (
    ANSWERING,
    CONDITIONS,
    EXPERIMENTS,
    FILTERING,
    check_answers,
    check_filters,
    ids,
    search,
)


@pytest.fixture(scope="module")
def catalog():
    return catalog_of(EXPERIMENTS)


@pytest.mark.parametrize(("text", "expected"), CONDITIONS)
def test_conditions_mean_what_the_page_says(catalog, text, expected):
    assert ids(catalog, text, EXPERIMENTS) == expected.split()


@pytest.mark.parametrize(
    ("text", "position", "suggestion"),
    [
        ("nam == 'a'", 0, "name"),
        ("lost > 0 and metrics.los < 1", 13, "metrics.loss"),
        ("metrics.loss.mni < 1", 13, "metrics.loss.min"),
        ("metrics.trainloss.min < 1", 0, "metrics.train/loss.min or metrics.loss.min"),
        ("params.lrr < 1", 0, "params.lr"),
        ("params.LR < 1", 0, "params.lr"),
        ("params.loss < 1", 0, "metrics.loss"),
        ("config.lr < 1", 0, "params.lr"),
        ("los < 1", 0, "lost or metrics.loss"),
        ("LR < 1", 0, "params.lr"),
        ("param.lr < 1", 0, "params.lr or params"),
        ("tags.taem == 'ml'", 0, "tags.team"),
        ("'va' in tags", 0, "'vae'"),
        ("'gpu' in bindrs", 0, "'gpu-1'"),
        ("tags == 'vae'", 0, "'name' in tags"),
        ("bindrs.x == 'y'", 0, "'x' in bindrs"),
        ("metrics < 1", 0, "metrics.loss"),
        ("status == 'complete'", 10, "'completed'"),
        ("status == complete", 10, "'complete' (put strings in quotes)"),
        ("status < 'failed'", 7, "=="),
        ("params.opt < 3", 13, "'3'"),
        ("params.lr == '0.1'", 13, "0.1"),
        ("params.lr =~ 'x'", 13, None),
        ("metrics.loss < 'x'", 15, None),
        ("metrics.loss =~ 'x'", 0, None),
        ("metrics.loss < null", 13, "metrics.loss is null"),
        ("metrics.loss is nan or name is nan", 31, None),
        ("name == 3", 8, "'3'"),
        ("git.dirty == 'yes'", 13, "true"),
        ("git.dirty > false", 10, "=="),
        ("duration < 'x'", 11, None),
        ("created_at < 'x'", 13, None),
        ("created_at < true", 13, None),
        ("name", 0, "name exists"),
        ("tags", 0, "'name' in tags"),
        ("params.opt", 0, "params.opt exists"),
        ("name in ('a', null)", 14, "name is null"),
        ("3 in tags", 0, "'3'"),
        ("'x' in lost", 7, None),
        ("'x' in status", 7, None),
        ("name =~ '('", 9, None),
        ("name =~ 'a(?=b)'", 10, None),
        ("name > lost", 7, None),
    ],
)
def test_a_name_or_a_type_that_cannot_be_is_an_error_at_its_column(
    catalog, text, position, suggestion
):
    with pytest.raises(QueryError) as caught:
        search(catalog, text)
    assert caught.value.suggestion == suggestion
    assert caught.value.position is not None
    if "is nan" not in text:
        assert caught.value.position == position


def test_a_metric_that_may_be_two_things_is_an_error_that_shows_both():
    catalog = catalog_of([Exp("k1", metrics={"loss": [1.0], "loss.min": [2.0]})])
    with pytest.raises(QueryError) as caught:
        search(catalog, "metrics.loss.min < 1")
    assert caught.value.suggestion == 'metrics["loss.min"] or metrics["loss"].min'
    assert search(catalog, 'metrics["loss"].min < 2') == [1]
    assert search(catalog, 'metrics["loss.min"] == 2') == [1]


def test_in_a_store_without_experiments_no_name_is_a_mistake():
    catalog = catalog_of([])
    assert (
        search(catalog, "metrics.a.min < 1 and params.b == 'c' and 'd' in tags or tags.e == 'f'")
        == []
    )
    with pytest.raises(QueryError):
        search(catalog, "nam == 'x'")


def test_nothing_of_a_filter_becomes_sql(catalog):
    for text in (
        "name == 'x\\' OR 1=1 --'",
        'name == "\'; DROP TABLE experiments; --"',
        "'%' in name",
        "name =~ \"' OR ''='\"",
    ):
        assert search(catalog, text) == []
    with pytest.raises(QueryError):
        search(catalog, 'params["lr\') OR 1=1 --"] > 0')
    assert len(search(catalog, None)) == len(EXPERIMENTS)


@settings(max_examples=50)
@given(*FILTERING)
def test_random_filters_find_what_a_plain_python_model_finds(found, filters):
    check_filters(catalog_of, found, filters)


@pytest.mark.slow
@settings(max_examples=300)
@given(*FILTERING)
def test_many_random_filters_find_what_a_plain_python_model_finds(found, filters):
    check_filters(catalog_of, found, filters)


@settings(max_examples=30)
@given(*ANSWERING)
def test_all_ways_of_answering_give_the_model_s_order_limit_and_total(
    found, chosen, sorts, limit, offset
):
    check_answers(catalog_of, found, chosen, sorts, limit, offset)


@pytest.mark.slow
@settings(max_examples=150)
@given(*ANSWERING)
def test_all_ways_of_answering_many_questions_give_the_model_s_order_limit_and_total(
    found, chosen, sorts, limit, offset
):
    check_answers(catalog_of, found, chosen, sorts, limit, offset)


@pytest.mark.parametrize("sort", ["host", "-host"])
def test_where_the_beginning_of_an_order_has_not_enough_the_rest_is_looked_at(monkeypatch, sort):
    """Of forty, half meet a filter: those that come first in the order, and those that come last."""
    monkeypatch.setattr(selection, "WALKED", 0)
    monkeypatch.setattr(selection, "SORTED", 0)
    found = [Exp(f"k{at}", {"host": f"h{at:02d}"}, {"early": at < 20}) for at in range(40)]
    catalog = catalog_of(found)
    for early in (True, False):
        meets = [at + 1 for at in range(40) if (at < 20) == early]
        expected = meets[::-1] if sort.startswith("-") else meets
        keys = search(catalog, f"not (params.early == {str(not early).lower()})", sort, limit=5)
        assert keys == expected[:5]


@pytest.mark.parametrize(
    "sort",
    ["", "nope", "-", "metrics.los", "tags", "name > 3", "'name'", "params.", "name,,status"],
)
def test_what_cannot_be_sorted_by_is_an_error(catalog, sort):
    with pytest.raises(QueryError):
        search(catalog, None, sort)


def test_several_sort_fields_come_as_a_list_or_joined_by_commas(catalog):
    assert search(catalog, None, "status,-name") == search(catalog, None, ["status", "-name"])


@pytest.mark.parametrize("word", ["and", "or"])
def test_as_many_conditions_as_are_allowed_can_be_asked(catalog, word):
    text = f" {word} ".join(
        ["params.lr < 5", "name != 'x'", "'old' not in tags", "metrics.loss > 0"] * 125
    )
    assert len(search(catalog, text)) in (2, 4)
    assert len(search(catalog, text, limit=1)) == 1


def test_long_lists_are_asked_in_one_question(catalog):
    listed = ", ".join(f"'{n}'" for n in range(9000))
    assert search(catalog, f"name in ({listed}, 'one')") == [1]
    assert search(catalog, f"params.lr in ({', '.join(map(str, range(9000)))})") == [3]
