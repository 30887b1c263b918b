"""The page about the filter language says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anew.query.fields import COLUMNS, SECTIONS, STATS
from anew.query.literals import parse_duration
from anew.query.parser import parse
from anew.query.question import ask
from tests.stores.catalog.relational.catalogs import NOW, Exp, catalog_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "filter-language.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| `(.+?)` \|$", TEXT, re.MULTILINE)
ONE = Exp(
    "k1",
    {"name": "vae-1"},
    {"lr": 0.01, "model.depth": 4, "model.act": "gelu", "amp": True},
    {"val_loss": [0.5], "train/loss": [0.4]},
    {"vae": None, "team": "ml"},
    ["gpu-1"],
    {"lr": 0.01},
)


def test_every_field_has_a_row_with_its_meaning():
    told = {name.strip("`"): meaning for name, meaning, _ in ROWS}
    for name, (_, _, meaning) in COLUMNS.items():
        assert told[name] == meaning
    assert set(SECTIONS) <= {name.partition(".")[0] for name in told}
    for stat in STATS:
        assert f"`{stat}`" in TEXT


@pytest.mark.parametrize("example", [example for _, _, example in ROWS])
def test_every_example_is_a_filter(example):
    catalog = catalog_of([ONE])
    catalog.select(ask(example, sort="created_at", now=NOW))
    catalog.close()


def test_the_units_and_values_of_the_page_are_read():
    for unit in re.search(r"unit +=(.+?);", TEXT, re.DOTALL)[1].split("|"):  # type: ignore[index]
        assert parse_duration("1" + unit.strip().strip('"'))
    for value in re.findall(r"`([^`]+)`", re.search(r"\| number \| (.+?) \|", TEXT)[1]):  # type: ignore[index]
        parse(f"lost > {value}")
    for value in re.findall(r"`([^`]+)`", re.search(r"\| time \| (.+?);", TEXT)[1]):  # type: ignore[index]
        parse(f"created_at > {value}")


def test_the_operators_of_the_page_are_those_of_the_language():
    told = set(re.findall(r'"([^"a-z]+)"', re.search(r"comparison +=(.+?);", TEXT)[1]))  # type: ignore[index]
    assert told == {"==", "!=", "<", "<=", ">", ">="}
