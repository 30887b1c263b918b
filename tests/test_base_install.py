"""What a base install does without the packages of the extras, and what it says where one is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
# What the packages of the extras are imported as.
BLOCKED = (
    "PIL", "blosc2", "matplotlib", "ml_dtypes", "obstore", "pandas", "polars", "pyarrow", "pynvml", "safetensors",
    "starlette", "torch", "uvicorn", "zstandard",
)  # fmt: skip

BLOCK = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""


def without_extras(program: str, folder: Path) -> str:
    """What a program prints in an interpreter in which no extra is installed."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + program], cwd=folder, capture_output=True, text=True, timeout=600,
        env=os.environ | {"ANEW_ROOT": "runs", "ANEW_QUIET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


RECORD = """
import numpy as np
import anew
for lr in (0.1, 0.2):
    with anew.Experiment(f"team/base/lr-{lr}", params={"lr": lr}) as exp:
        for step in range(300):
            exp.log_metrics({"loss": lr / (step + 1), "acc": step / 300}, step=step)
        exp.log_value("picture", anew.Image(np.arange(48).reshape(4, 4, 3) / 48))
        exp.log_value("rows", anew.Table(["name", "value"], [[f"row {n}", n] for n in range(5000)]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two experiments were recorded without extras."""
    folder = tmp_path_factory.mktemp("base")
    without_extras(RECORD, folder)
    return folder


def test_a_picture_and_a_large_table_recorded_without_extras_are_whole(folder):
    import PIL.Image

    from anew import Store

    with Store(folder / "runs") as store:
        view = store["team/base/lr-0.1"]
        picture, table = (view.values(name)[0] for name in ("picture", "rows"))
        with PIL.Image.open(picture.path) as image:
            assert (image.size, image.mode) == ((4, 4), "RGB")
            assert image.getpixel((3, 3)) == tuple(round(n / 48 * 255) for n in (45, 46, 47))
        assert len(json.loads(table.read_bytes())["rows"]) == 5000


def test_the_command_line_asks_shows_compares_draws_and_checks(folder):
    program = """
from click.testing import CliRunner
from anew.cli.main import cli
for line in (
    "list", "show team/base/lr-0.1", "compare team/base/lr-0.1 team/base/lr-0.2", "best loss",
    "plot team/base/lr-0.1 team/base/lr-0.2 loss", "doctor", "diff team/base/lr-0.1 team/base/lr-0.2",
    "seal", "list metrics.loss.min<1", "du", "gc --yes", "export --all -o out.zip", "version",
):
    result = CliRunner().invoke(cli, line.split())
    wrong = result.exit_code != (1 if line.startswith("diff") else 0)  # the two differ
    print(line, repr(result.output) if wrong else "", "wrong" if wrong else "done")
"""
    for line in without_extras(program, folder).splitlines():
        assert line.endswith("done"), line


def test_histories_of_sealed_points_are_numpy_arrays(folder):
    program = """
import anew, sys
with anew.Store("runs") as store:
    store.seal()
    view = store["team/base/lr-0.2"]
    series = view.metrics["loss"].read()
    assert len(series.values) == 300 and series.values[0] == 0.2
    assert len(store.history("team/base/lr-0.1", "acc", points=50)[0]) <= 50
"""
    without_extras(program, folder)


@pytest.mark.parametrize(
    ("extra", "work"),
    [
        ("plot", "from anew.plots import plot_metric; plot_metric(store, 'team/base/lr-0.1', 'loss')"),
        ("plot", "anew.Video(__import__('numpy').zeros((2, 4, 4, 3)))"),
        ("weights", "from anew.weights import Repository; Repository('w', init=True)"),
        ("s3", "from anew.blobs.bucket import BucketBlobs; BucketBlobs('memory:///')"),
        ("arrow", "store.list().to_arrow()"),
        ("server", "from anew.cli.main import cli; cli.main(['server'], standalone_mode=False)"),
        ("arrow", "store.history('team/base/lr-0.1', 'loss').to_arrow()"),
    ],
)  # fmt: skip
def test_what_needs_an_extra_says_how_to_install_it(folder, extra, work):
    program = f"""
import anew
with anew.Store("runs") as store:
    try:
        {work}
    except anew.errors.MissingDependency as error:
        print(error)
"""
    assert f'pip install "anew[{extra}]"' in without_extras(program, folder)


def test_every_extra_is_part_of_all():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything.removeprefix("anew[").rstrip("]").split(",")) == set(extras) - {"all"}


def test_the_documentation_names_every_extra():
    page = (REPOSITORY / "docs" / "start" / "install.md").read_text()
    named = {one for some in re.findall(r"\.\[([\w,]+)\]", page) for one in some.split(",")}
    assert named >= set(PROJECT["optional-dependencies"])
