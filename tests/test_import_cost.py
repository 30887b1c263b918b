"""Importing is nearly free: what must not be loaded by `import anew`, nor by a first log call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Not by importing the package, not by opening an experiment, not by logging numbers.
NEVER = (
    "IPython", "PIL", "aiohttp", "blake3", "click", "cupy", "fastapi", "httpx", "jax", "matplotlib", "numpy",
    "obstore", "omegaconf", "pandas", "plotly", "polars", "pyarrow", "pydantic", "requests", "rich", "scipy",
    "sqlalchemy", "sqlite3", "tensorflow", "torch", "urllib3", "yaml",
)  # fmt: skip
# Parts of the standard library that cost a log call's worth of time many thousand times over.
HEAVY = (
    "asyncio", "concurrent.futures", "ctypes", "dataclasses", "difflib", "email", "http.client", "importlib.metadata",
    "inspect", "logging", "multiprocessing", "pydoc", "socket", "subprocess", "tempfile", "tomllib", "unittest",
    "urllib.request", "xml", "zipfile",
)  # fmt: skip


def loaded(program: str, folder: Path) -> set[str]:
    """The modules that a program has loaded when it says so, in a process that began with none."""
    program += "\nimport sys; print(' '.join(sys.modules))"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    result = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True, env={"PATH": ""}
    )
    return set(result.stdout.split())


OPEN = (
    "from anew import Experiment\n"
    "exp = Experiment('alice/digits', tags=['x'], quiet=True, system_metrics=0)\n"
    "exp.run.start()\n"
)


def test_importing_loads_the_standard_library_and_ourselves_alone(tmp_path):
    modules = loaded("import anew", tmp_path)
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert foreign <= {"anew", "__main__", "__mp_main__"}
    assert not modules & set(HEAVY)


def test_importing_loads_no_module_of_ours_but_the_package(tmp_path):
    modules = loaded("import anew", tmp_path)
    assert {name for name in modules if name.startswith("anew")} == {"anew"}


def test_naming_experiment_loads_the_write_side_alone(tmp_path):
    modules = loaded("from anew import Experiment", tmp_path)
    rooms = {name.split(".")[1] for name in modules if name.startswith("anew.")}
    assert rooms <= {
        "address",
        "errors",
        "settings",
        "record",
        "journal",
        "tracking",
        "monitor",
        "descriptors",
    }
    assert not modules & {*NEVER, "msgspec", "psutil"}


@pytest.mark.parametrize(
    "call", ["exp.log_metric('loss', 0.5, 0)", "exp.log_metrics({'a': 1, 'b': 2.5})"]
)
def test_a_first_log_call_loads_nothing_heavy(call, tmp_path):
    modules = loaded(OPEN + call, tmp_path)
    assert not modules & {*NEVER, *HEAVY}
    assert not {
        name for name in modules if name.startswith(("anew.store", "anew.query", "anew.index"))
    }


def test_a_server_as_the_root_loads_nothing_that_talks_to_one(tmp_path):
    program = (
        "import os; os.environ['ANEW_ROOT'] = 'https://lab.example.org'; os.environ['ANEW_SYNC'] = 'off'\n"
        + OPEN
        + "exp.log_metric('loss', 0.5, 0)"
    )
    modules = loaded(program, tmp_path)
    assert "anew.syncing.outbox" in modules
    assert not modules & {*NEVER, *HEAVY, "msgspec", "anew.credentials", "anew.sync", "anew.syncer"}


def test_listing_experiments_loads_nothing_that_computes_or_draws(tmp_path):
    loaded(
        OPEN + "exp.params.set(lr=0.1)\nexp.log_metric('loss', 0.5, 0)\nexp.run.complete()",
        tmp_path,
    )
    program = (
        "import runpy, sys; sys.argv = ['anew', 'list']\n"
        "try: runpy.run_module('anew', run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code\n"
    )
    assert "numpy" in loaded(program, tmp_path)  # takes in what is new
    unwanted = {
        "blake3", "duckdb", "fastapi", "matplotlib", "numpy", "obstore", "pandas", "polars", "pyarrow", "rich", "yaml",
        "sqlalchemy", "anew.index.doctor", "anew.index.sink", "anew.reading.compare", "anew.stores.series.folder",
        "asyncio", "email", "http.client", "importlib.metadata", "multiprocessing", "pydoc", "socket", "ssl",
        "subprocess", "unittest", "urllib.request", "xml",
    }  # fmt: skip
    for arguments in ("'list'", "'list', 'params.lr > 0.01'"):
        modules = loaded(program.replace("'list'", arguments), tmp_path)
        assert "anew.stores.catalog.relational.selection" in modules
        assert not modules & unwanted


def test_parameters_messages_and_tags_load_nothing_heavy(tmp_path):
    program = OPEN + "exp.params.set(lr=0.1); exp.log('hello', step=1); exp.add_tags({'team': 'a'})"
    assert not loaded(program, tmp_path) & set(NEVER)


def test_collecting_the_quick_tests_loads_no_framework(loaded_by_collecting):
    """Each process of the suite collects all tests and runs some: what takes seconds to load is loaded by those (`later.py`)."""
    frameworks = (
        "aim", "clearml", "flax", "jax", "keras", "lightning", "matplotlib", "mlflow", "moto", "polars", "ray",
        "scipy", "sklearn", "tensorboard", "torch", "transformers", "wandb",
    )  # fmt: skip
    assert not loaded_by_collecting & set(frameworks)
