"""Small trainings with real frameworks, each as somebody would write and start it.

All log to experiments below `lab/`. The line `SEED = 7` at the top of a program is replaced where the same without a seed
is wanted; what is random then comes from the system.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["TRAININGS", "Training"]


@dataclass(frozen=True)
class Training:
    """One project and how it is started.

    Attributes:
        files: Its files, by path.
        starts: The command lines that are run, one after the other, in the project's folder.
        again: The prefixes of the experiments that are run again.
        editable: Folders of packages that are installed in editable mode into an environment of the project's own.
        needs: The module without which the training is skipped.
        unseeded: Whether the training without a seed belongs to the suite as well, and not only to the soak.
    """

    files: Mapping[str, str]
    starts: tuple[tuple[str, ...], ...] = (("python", "train.py"),)
    again: tuple[str, ...] = ("lab/training",)
    editable: tuple[str, ...] = ()
    needs: str = "numpy"
    unseeded: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


TORCH = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from anew import Experiment, seed_everything, seed_worker

SEED = 7


class Noisy(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, at):
        return torch.randn(8) + at % 2, at % 2  # augmented in the worker


def main():
    generator = torch.Generator()
    generator.seed()
    if SEED is not None:
        generator = seed_everything(SEED, deterministic=True).torch_generator()
    loader = DataLoader(Noisy(), 16, shuffle=True, num_workers=2, worker_init_fn=seed_worker, generator=generator)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    with Experiment("lab/training") as exp:
        step = 0
        for epoch in range(2):
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                exp.log_metric("loss", loss, step=step)
                step += 1


if __name__ == "__main__":
    main()
"""

SKLEARN = """\
import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from anew import Experiment, seed_everything

SEED = 7


def bootstrap(x, y, seed):
    rows = np.random.default_rng(seed).integers(0, len(x), len(x))
    return float(np.corrcoef(x[rows, 0], y[rows])[0, 1])


if __name__ == "__main__":
    if SEED is not None:
        seed_everything(SEED)
    made = np.random.default_rng(SEED)
    x = made.normal(size=(200, 6))
    y = (x[:, 0] + made.normal(size=200) > 0).astype(int)
    with Experiment("lab/training") as exp:
        forest = RandomForestClassifier(30, random_state=SEED, n_jobs=2)
        for fold, score in enumerate(cross_val_score(forest, x, y, cv=4, n_jobs=2)):
            exp.log_metric("accuracy", score, step=fold)
        seeds = [None if SEED is None else SEED + n for n in range(8)]
        for n, value in enumerate(Parallel(n_jobs=2)(delayed(bootstrap)(x, y, seed) for seed in seeds)):
            exp.log_metric("correlation", value, step=n)
"""

LIGHTNING = """\
import logging
import warnings

warnings.simplefilter("ignore")
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset
from anew.integrations.lightning import AnewLogger

SEED = 7
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 1))

    def training_step(self, batch):
        loss = (self.layers(batch[0]) - batch[1]).square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


if SEED is not None:
    pl.seed_everything(SEED, workers=True, verbose=False)
else:
    torch.seed()
data = TensorDataset(torch.randn(64, 8), torch.randn(64, 1))
trainer = pl.Trainer(
    max_epochs=2, logger=AnewLogger("lab/training"), log_every_n_steps=1, accelerator="cpu", deterministic=True,
    enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
)
trainer.fit(Model(), DataLoader(data, 16, shuffle=True))
"""

TRANSFORMERS = """\
import os
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
from anew.integrations.transformers import AnewCallback

SEED = 7
transformers.logging.set_verbosity_error()
seed = SEED if SEED is not None else int.from_bytes(os.urandom(3), "big")
transformers.set_seed(seed)
rows = [torch.randint(0, 12, (8,)) for _ in range(32)]
model = GPT2LMHeadModel(
    GPT2Config(vocab_size=12, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
)
args = TrainingArguments(
    output_dir="out", max_steps=8, per_device_train_batch_size=8, logging_steps=1, save_strategy="no", use_cpu=True,
    disable_tqdm=True, seed=seed, report_to=[],
)
with AnewCallback("lab/training") as callback:
    trainer = Trainer(model, args, train_dataset=[{"input_ids": r, "labels": r} for r in rows], callbacks=[callback])
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
"""

XGBOOST = """\
import numpy as np
import xgboost
from anew import seed_everything
from anew.integrations.xgboost import AnewCallback

SEED = 7
if SEED is not None:
    seed_everything(SEED)
made = np.random.default_rng(SEED)
x = made.normal(size=(300, 5))
data = xgboost.DMatrix(x, (x[:, 0] * x[:, 1] > 0).astype(float))
settings = {"subsample": 0.5, "colsample_bytree": 0.6, "seed": SEED or 0, "nthread": 2, "objective": "binary:logistic"}
with AnewCallback("lab/training") as callback:
    xgboost.train(settings, data, 15, evals=[(data, "train")], verbose_eval=False, callbacks=[callback])
"""

LIGHTGBM = """\
import lightgbm
import numpy as np
from anew import Experiment, seed_everything

SEED = 7
if SEED is not None:
    seed_everything(SEED)
made = np.random.default_rng(SEED)
x = made.normal(size=(300, 5))
data = lightgbm.Dataset(x, (x[:, 0] * x[:, 1] > 0).astype(float))
settings = {
    "objective": "binary", "bagging_fraction": 0.5, "bagging_freq": 1, "seed": SEED or 0, "num_threads": 2,
    "deterministic": True, "force_col_wise": True, "verbose": -1,
}
with Experiment("lab/training") as exp:

    def log(state):
        for _, metric, value, _ in state.evaluation_result_list:
            exp.log_metric(metric, value, step=state.iteration)

    lightgbm.train(settings, data, 15, valid_sets=[data], callbacks=[log])
"""

KERAS = """\
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from anew.integrations.keras import AnewCallback

SEED = 7
if SEED is not None:
    keras.utils.set_random_seed(SEED)
x = np.random.default_rng(SEED).normal(size=(128, 8)).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8), keras.layers.Dropout(0.3), keras.layers.Dense(1)])
model.compile("adam", loss="mse")
with AnewCallback("lab/training") as callback:
    model.fit(x, x[:, :1], epochs=4, batch_size=32, callbacks=[callback], verbose=0)
"""

JAX = """\
import time
import jax
import jax.numpy as jnp
from anew import Experiment, seed_everything

SEED = 7
key = seed_everything(SEED).jax_key() if SEED is not None else jax.random.key(time.time_ns() % 2**31)
kx, kw = jax.random.split(key)
x, w = jax.random.normal(kx, (64, 8)), jax.random.normal(kw, (8,))


@jax.jit
def loss(w, noise):
    return jnp.mean((x @ w - x[:, 0] + noise) ** 2)


with Experiment("lab/training") as exp:
    for step in range(15):
        key, one = jax.random.split(key)
        value, slope = jax.value_and_grad(loss)(w, jax.random.normal(one, (64,)) * 0.1)
        w = w - 0.1 * slope
        exp.log_metric("loss", value, step=step)
"""

# A training of a few lines, for what is about how it is started.
NUMPY = """\
import numpy as np
from anew import Experiment, seed_everything

SEED = 7


def train(name="lab/training", steps=12, start=0, scale=1.0):
    if SEED is not None:
        seed_everything(SEED + start)
    made = np.random.default_rng(None if SEED is None else SEED + start)
    x, w = made.normal(size=(64, 4)), np.zeros(4)
    with Experiment(name, config={"scale": scale}) as exp:
        for step in range(start, start + steps):
            gap = x @ w - scale * x[:, 0] + made.normal(size=64) * 0.1
            w = w - 0.1 * x.T @ gap / len(x)
            exp.log_metric("loss", float(gap @ gap), step=step)
"""
MAIN = NUMPY + '\n\nif __name__ == "__main__":\n    train()\n'

PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1"

[project.scripts]
train-{name} = "{name}.training:train"

[tool.setuptools]
packages = ["{name}"]
{more}"""
MONOREPO = {
    "packages/flat/pyproject.toml": PROJECT.format(name="flatpack", more=""),
    "packages/flat/flatpack/__init__.py": "SCALE = 2.0\n",
    "packages/flat/flatpack/training.py": "from .steps import STEPS\n" + NUMPY,
    "packages/flat/flatpack/steps.py": "STEPS = 12\n",
    "packages/nested/pyproject.toml": PROJECT.format(
        name="nestpack", more='package-dir = {"" = "src"}\n'
    ),
    "packages/nested/src/nestpack/__init__.py": "from .sizes import FACTOR\n",
    "packages/nested/src/nestpack/sizes.py": "FACTOR = 1.5\n",
    "apps/train.py": "import flatpack, nestpack\nfrom flatpack.training import train\n\n"
    "train(scale=flatpack.SCALE * nestpack.FACTOR)\n",
}

HYDRA = """\
import hydra
from training import train


@hydra.main(version_base=None, config_path=".", config_name="settings")
def main(config):
    train(f"lab/scale{config.scale}", scale=config.scale)


if __name__ == "__main__":
    main()
"""

PIPELINE = """\
set -e
python prepare.py | sort -n > prepared.csv
python train.py prepared.csv
python evaluate.py < prepared.csv > evaluated.txt
"""
PREPARE = """\
import random

SEED = 7
made = random.Random(SEED)
for row in range(50):
    print(made.random())
"""
FROM_FILE = """\
import sys
from anew import Experiment

with Experiment("lab/training") as exp:
    exp.inputs.add(sys.argv[1])
    mean = 0.0
    for step, line in enumerate(open(sys.argv[1])):
        mean += (float(line) - mean) / (step + 1)
        exp.log_metric("mean", mean, step=step)
"""

RANKS = """\
import os
import torch
import torch.distributed as dist
from anew import Experiment, seed_everything

SEED = 7
dist.init_process_group("gloo")
rank = dist.get_rank()
if SEED is not None:
    seed_everything(SEED + rank)
else:
    torch.seed()
w = torch.zeros(4)
with Experiment("lab/training") as exp:
    for step in range(8):
        x = torch.randn(16, 4)
        slope = x.T @ (x @ w - x[:, 0]) / 16
        exp.log_metric("loss", (x @ w - x[:, 0]).square().mean(), step=step)  # each rank its own
        dist.all_reduce(slope)
        w -= 0.1 * slope / 2
dist.destroy_process_group()
"""

POOL = """\
import multiprocessing
from training import train

if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        pool.starmap(train, [(f"lab/worker{{n}}", 10, n) for n in range(3)])
"""

RESUMED = """\
import json, os
import numpy as np
from anew import Experiment, get_rng_state, seed_everything, set_rng_state

SEED = 7
if SEED is not None:
    seed_everything(SEED)
start, value = 0, 1.0
if os.path.exists("checkpoint.json"):
    with open("checkpoint.json") as file:
        saved = json.load(file)
    start, value = saved["step"], saved["value"]
    if SEED is not None:
        set_rng_state(saved["rng"])
with Experiment("lab/training", resume="allow") as exp:
    for step in range(start, start + 6):
        value = 0.9 * value + np.random.normal() * 0.1
        exp.log_metric("loss", value, step=step)
    with open("checkpoint.json", "w") as file:
        json.dump({"step": step + 1, "value": value, "rng": get_rng_state()}, file)
"""

CELLS = (
    "import numpy as np\nfrom anew import Experiment, seed_everything\n\nSEED = 7\n",
    "if SEED is not None:\n    seed_everything(SEED)\nw = np.zeros(4)",
    "exp = Experiment('lab/training')\nexp.run.start()",
    "for step in range(12):\n    x = np.random.normal(size=(64, 4))\n    gap = x @ w - x[:, 0]\n"
    "    w = w - 0.1 * x.T @ gap / 64\n    exp.log_metric('loss', float(gap @ gap), step=step)",
    "exp.run.complete()",
)
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "code", "execution_count": None, "id": str(n), "metadata": {}, "outputs": [], "source": cell}
            for n, cell in enumerate(CELLS)
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)  # fmt: skip
EXECUTE = "from nbclient.cli import main; main()"

TRAININGS: dict[str, Training] = {
    "torch with workers": Training({"train.py": TORCH}, needs="torch", unseeded=True),
    "scikit-learn with joblib": Training({"train.py": SKLEARN}, needs="sklearn", unseeded=True),
    "lightning": Training({"train.py": LIGHTNING}, needs="lightning"),
    "transformers": Training({"train.py": TRANSFORMERS}, needs="transformers"),
    "xgboost": Training({"train.py": XGBOOST}, needs="xgboost", unseeded=True),
    "lightgbm": Training({"train.py": LIGHTGBM}, needs="lightgbm"),
    "keras on torch": Training({"train.py": KERAS}, needs="keras"),
    "jax": Training({"train.py": JAX}, needs="jax", unseeded=True),
    "monorepo": Training(
        MONOREPO, (("python", "apps/train.py"),), editable=("packages/flat", "packages/nested")
    ),
    "console script of a flat package": Training(
        MONOREPO, (("train-flatpack",),), editable=("packages/flat", "packages/nested")
    ),
    "hydra multirun": Training(
        {"train.py": HYDRA, "training.py": NUMPY, "settings.yaml": "scale: 1.0\n"},
        (("python", "train.py", "--multirun", "scale=1.0,2.0,3.0"),),
        again=("lab/scale2.0", "lab/scale3.0"),
        needs="hydra",
    ),
    "shell pipeline": Training(
        {
            "pipeline.sh": PIPELINE,
            "prepare.py": PREPARE,
            "train.py": FROM_FILE,
            "evaluate.py": "import sys\nprint(sum(map(float, sys.stdin)))\n",
        },
        (("anew", "run", "--quiet", "--prefix", "lab/pipeline", "--", "bash", "pipeline.sh"),),
        again=("lab/pipeline",),
        unseeded=True,
    ),
    "uv run": Training(
        {
            "train.py": MAIN,
            "pyproject.toml": '[project]\nname = "project"\nversion = "0.1"\nrequires-python = ">=3.11"\n',
        },
        (("uv", "run", "--offline", "train.py"),),
        editable=(".",),
        needs="uv",
    ),
    "torchrun with two ranks": Training(
        {"train.py": RANKS},
        (("python", "-m", "torch.distributed.run", "--nproc-per-node", "2", "train.py"),),
        needs="torch",
    ),
    "notebook": Training(
        {"notebook.ipynb": NOTEBOOK},
        (("python", "-c", EXECUTE, "notebook.ipynb"),),
        needs="nbclient",
        unseeded=True,
    ),
    "two resumed sessions": Training(
        {"train.py": RESUMED}, (("python", "train.py"), ("python", "train.py")), unseeded=True
    ),
    "spawn pool": Training(
        {"train.py": POOL.format(method="spawn"), "training.py": NUMPY},
        again=("lab/worker0", "lab/worker2"),
        unseeded=True,
    ),
    "fork pool": Training(
        {"train.py": POOL.format(method="fork"), "training.py": NUMPY},
        again=("lab/worker0", "lab/worker2"),
    ),
}
