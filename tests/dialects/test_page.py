"""The guide tells of every dialect, and of all that a dialect does not do yet."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import anew.dialects

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "guides" / "dialects.md").read_text()
NAMES = sorted(
    module.name
    for module in pkgutil.iter_modules(anew.dialects.__path__)
    if module.name not in ("__main__", "addresses", "installing")  # what dialects share
)


def section(name: str) -> str:
    """The part of the page that is about one dialect: from the heading that names its module to the next."""
    _, found, rest = PAGE.partition(f"(`anew.dialects.{name}`)\n")
    assert found, f"the page has no heading with (`anew.dialects.{name}`)"
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_lists_what_is_not_supported_and_nothing_else(name: str):
    listed = importlib.import_module(f"anew.dialects.{name}").UNSUPPORTED
    lines = section(name).partition("Not supported yet:")[2].splitlines()
    shown = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    assert shown == [f"`{what}`: {why}." for what, why in listed.items()]


@pytest.mark.parametrize("name", NAMES)
def test_every_dialect_has_a_test_twin_and_all_the_names_it_lists(name: str):
    tests = REPOSITORY / "tests"
    twins = (tests / "dialects" / f"test_{name}.py", tests / "trackers" / name / "test_dialect.py")
    assert any(twin.is_file() for twin in twins)
    module = importlib.import_module(f"anew.dialects.{name}")
    assert all(hasattr(module, public) for public in module.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_dialect_calls_its_own_is_named_on_the_page(name: str):
    module = importlib.import_module(f"anew.dialects.{name}")
    missing = [n for n in module.__all__ if n != "UNSUPPORTED" and n not in section(name)]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_importing_a_dialect_loads_nothing_heavy(name: str):
    program = (
        f"import sys, anew.dialects.{name}\n"
        "heavy = {'numpy', 'pandas', 'torch', 'pyarrow', 'sqlalchemy', 'matplotlib', 'msgspec', 'rich'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""
