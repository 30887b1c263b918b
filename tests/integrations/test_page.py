"""The guide tells of every integration, and every integration is small, shown, tested, and says what it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOM = REPOSITORY / "src" / "anew" / "integrations"
PAGE = (REPOSITORY / "docs" / "guides" / "integrations.md").read_text()
# Module: its heading in the guide, and what is imported where it is installed.
NAMES = {
    "accelerate": ("Accelerate", "accelerate"),
    "catboost": ("CatBoost", "catboost"),
    "hydra": ("Hydra", "hydra"),
    "keras": ("Keras", "keras"),
    "lightgbm": ("LightGBM", "lightgbm"),
    "lightning": ("Lightning", "lightning pytorch_lightning"),
    "optuna": ("Optuna", "optuna"),
    "pytorch": ("PyTorch", "torch"),
    "ray_tune": ("Ray Tune", "ray"),
    "sklearn": ("scikit-learn", "sklearn"),
    "transformers": ("Transformers", "transformers"),
    "xgboost": ("XGBoost", "xgboost"),
}
WITHOUT = """
import importlib, os, sys
from anew.errors import MissingDependency
for name, framework in {pairs!r}:
    if not os.fork():
        sys.modules.update(dict.fromkeys(framework.split()))  # None: an import of it finds nothing
        try:
            importlib.import_module("anew.integrations." + name)
        except MissingDependency as error:
            print(name, "pip install" in str(error), flush=True)
        os._exit(0)
    os.wait()
"""


def section(name: str) -> str:
    _, found, rest = PAGE.partition(f"\n## {NAMES[name][0]}\n")
    assert found, f"the page has no section {NAMES[name][0]!r}"
    return rest.partition("\n## ")[0]


def test_every_section_of_the_page_and_every_example_is_an_integrations():
    assert {*re.findall(r"^## (.+)$", PAGE, re.MULTILINE)} == {
        heading for heading, _ in NAMES.values()
    }
    examples = (REPOSITORY / "examples").glob("with_*.py")
    assert {path.stem.removeprefix("with_") for path in examples} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_an_integration_has_its_section_example_and_test(name: str):
    assert f"anew.integrations.{name}" in section(name)
    assert f"examples/with_{name}.py" in section(name)
    assert (Path(__file__).parent / f"test_{name}.py").is_file()
    # Read, not imported: Keras would want a backend. What a call gives has the call's name.
    listed = re.search(
        r"^__all__ = (\[.*?\])", (ROOM / f"{name}.py").read_text(), re.MULTILINE | re.DOTALL
    )
    assert listed
    shown = section(name).casefold()
    assert not [one for one in ast.literal_eval(listed[1]) if one.casefold() not in shown]


def test_no_file_of_the_room_is_longer_than_a_page():
    assert not [path.name for path in ROOM.glob("*.py") if len(path.read_text().splitlines()) > 160]


def test_an_integration_whose_framework_is_away_says_how_to_install_it():
    # That of PyTorch takes what has parameters, without an import.
    pairs = [(name, framework) for name, (_, framework) in NAMES.items() if name != "pytorch"]
    command = [sys.executable, "-c", WITHOUT.format(pairs=pairs)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == [f"{name} True" for name, _ in pairs], result.stderr
