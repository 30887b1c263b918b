"""A dialect in the place of its tracker: programs and libraries that import wandb or mlflow record with Anew, unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from anew import Status, Store
from anew.dialects import install
from anew.errors import InvalidValue

from .libraries import PROGRAMS

LIBRARIES = Path(__file__).with_name("libraries.py")
EXPECTED = {
    "wandb transformers": ("huggingface/", {"eval/loss", "train/loss", "train/global_step"}, "output_dir"),
    "mlflow transformers": ("Default/", {"loss", "eval_loss"}, "output_dir"),
    "wandb lightning": ("lit/", {"loss", "epoch"}, "a"),
    "mlflow lightning": ("lit/", {"loss", "epoch"}, "a"),
    "wandb accelerate": ("acc/", {"loss"}, "lr"),
    "mlflow accelerate": ("acc/", {"loss"}, "lr"),
    "wandb ray": ("p/", {"x"}, "a"),
    "mlflow ray": ("e/", {"x"}, None),
    "wandb xgboost": ("x/", {"train-rmse", "epoch"}, "learner"),
    "wandb lightgbm": ("x/", {"training_rmse", "iteration", "best_iteration"}, "metric"),
    "wandb keras": ("x/", {"epoch/loss", "batch/loss", "batch/batch_step"}, None),
}  # fmt: skip


def _run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "MLFLOW_"))}
    environ = {
        "ANEW_ROOT": str(cwd / "records"), "ANEW_SYSTEM_METRICS": "0", "ANEW_KEEP_COMMITS": "off",
        "KERAS_BACKEND": "jax", "OMP_NUM_THREADS": "1", **environ,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=inherited | environ, capture_output=True, text=True, timeout=300
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_library_that_imports_the_tracker_records_with_anew(name: str, tmp_path: Path):
    ended = _run("-m", "anew.dialects", name.split()[0], str(LIBRARIES), name, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr[-3000:]
    (view,) = Store(tmp_path / "records")
    folder, metrics, param = EXPECTED[name]
    assert view.prefix.startswith(folder)
    assert metrics <= set(view.metrics)
    assert param is None or param in view.params.to_dict()
    assert view.status is Status.COMPLETED
    if name == "wandb lightning":
        assert {"t", "i", "gradients/layer.weight"} <= {value.name for value in view.values()}
        assert "model.ckpt" in {file.name for file in view.files}


def test_a_program_runs_unchanged_by_path_and_as_a_module(tmp_path: Path):
    (tmp_path / "train.py").write_text(
        textwrap.dedent(
            """
            import sys
            import importlib.metadata
            import beside
            import wandb
            from wandb.sdk.lib.config_util import ConfigError
            import wandb.sdk.wandb_run
            from wandb.errors import CommError

            assert __name__ == "__main__" and sys.argv == [sys.argv[0], "--lr", "0.5"]
            assert wandb.__version__ == importlib.metadata.version("wandb")
            assert wandb.__name__ == "anew.dialects.wandb"
            with wandb.init(project="p", config={"lr": float(sys.argv[2])}) as run:
                assert isinstance(run, wandb.sdk.wandb_run.Run)
                wandb.log({"loss": 1.0})
            try:
                import wandb.nothing_like_it
            except ModuleNotFoundError:
                pass
            else:
                raise SystemExit("a module was found that the dialect has not")
            """
        )
    )
    (tmp_path / "beside.py").touch()
    for way in (["train.py"], ["-m", "train"]):
        ended = _run("-m", "anew.dialects", "wandb", *way, "--lr", "0.5", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    runs = list(Store(tmp_path / "records"))
    assert [run.params["lr"] for run in runs] == [0.5, 0.5]


def test_wrong_use_says_how_it_is_used(tmp_path: Path):
    for arguments in ([], ["wandb"], ["tensorbord", "x.py"], ["wandb", "-m"]):
        ended = _run("-m", "anew.dialects", *arguments, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "Usage" in ended.stderr


def test_there_are_two_to_install():
    with pytest.raises(InvalidValue):
        install("aim")


def test_a_tracker_that_is_imported_already_is_not_replaced(monkeypatch: pytest.MonkeyPatch):
    there: Any = type(sys)("wandb")
    monkeypatch.setitem(sys.modules, "wandb", there)
    with pytest.raises(ImportError):
        install("wandb")
    assert sys.modules["wandb"] is there
