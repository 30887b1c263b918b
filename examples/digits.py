"""Train a grid of small networks on scikit-learn's handwritten digits, then ask questions about them.

`make demo` runs this. Each run of it is one sweep of eighteen experiments, named by the time, and kept
beside the ones before: `demo/digits/1121-153000/lr0.003-w32-s0` and so on.
"""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from anew import Experiment, Store

LEARNING_RATES = (0.0003, 0.003, 0.03)
WIDTHS = (8, 32, 128)
SEEDS = (0, 1)
EPOCHS = 40
CLASSES = np.arange(10)

console = Console(highlight=False)


def train(exp: Experiment, data: list[np.ndarray], bar: Progress) -> None:
    """One experiment: two curves per epoch for training and validation, a model, a confusion matrix."""
    x_train, x_val, y_train, y_val = data
    params = exp.params
    model = MLPClassifier((params.width,), learning_rate_init=params.lr, random_state=params.seed)
    epochs = bar.add_task(exp.name, total=EPOCHS)
    for epoch in range(EPOCHS):
        model.partial_fit(x_train, y_train, classes=CLASSES)
        for split, x, y in (("train", x_train, y_train), ("val", x_val, y_val)):
            probabilities = model.predict_proba(x)
            exp.metrics(split).log(
                loss=log_loss(y, probabilities, labels=CLASSES),
                acc=np.mean(probabilities.argmax(axis=1) == y),
                step=epoch,
            )
        bar.advance(epochs)
    bar.remove_task(epochs)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "weights.npz")
        layers = zip(model.coefs_, model.intercepts_, strict=True)
        np.savez(
            weights,
            **{f"{k}{i}": v for i, wb in enumerate(layers) for k, v in zip("wb", wb, strict=True)},
        )
        exp.files("models").save(weights, step=EPOCHS - 1)
    exp.log_value("val/confusion", confusion(y_val, model.predict(x_val)), step=EPOCHS - 1)
    exp.log("trained", digits=len(x_train), layers=model.n_layers_, final_loss=model.loss_)


def confusion(truth: np.ndarray, predicted: np.ndarray) -> Figure:
    """Which digit is taken for which."""
    counts = confusion_matrix(truth, predicted, labels=CLASSES)
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(counts, cmap="Blues")
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if counts[row, column] > counts.max() / 2 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    axes.set(xlabel="predicted", ylabel="digit", xticks=CLASSES, yticks=CLASSES)
    return figure


def run_grid(sweep: str) -> None:
    """Train every combination, with a progress bar."""
    x, y = load_digits(return_X_y=True)
    data = train_test_split(x / 16, y, test_size=0.3, random_state=0, stratify=y)
    grid = list(itertools.product(LEARNING_RATES, WIDTHS, SEEDS))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as bar:
        whole = bar.add_task(f"[bold]{sweep}", total=len(grid))
        for lr, width, seed in grid:
            with Experiment(
                f"demo/digits/{sweep}/lr{lr}-w{width}-s{seed}",
                params={"lr": lr, "width": width, "seed": seed},
                tags={"sweep": sweep},
                quiet=True,
            ) as exp:
                train(exp, data, bar)
            bar.advance(whole)


def show(line: str) -> None:
    """Run a real `anew` command, saying so first."""
    console.print(f"\n[bold green]$[/] [bold]{line}[/]", soft_wrap=True)
    subprocess.run([sys.executable, "-m", *shlex.split(line)], check=True)


def main() -> None:
    """Train, then look."""
    sweep = time.strftime("%m%d-%H%M%S")
    count = len(LEARNING_RATES) * len(WIDTHS) * len(SEEDS)
    console.print(f"Training {count} networks on 1,797 handwritten digits …\n")
    with threadpool_limits(1):  # matrices this small are slower in several threads
        run_grid(sweep)

    mine = f"tags.sweep == '{sweep}'"
    with Store() as store:
        best = store.best("val/acc", filter=mine, limit=3)
    first, second, third = (one.experiment.id[:6] for one in best)
    Path("demo").mkdir(exist_ok=True)
    show(f'anew list "{mine}" --limit 8')
    show(f'anew list "metrics.val/acc.max > 0.975 and params.lr >= 0.001 and {mine}"')
    show(f"anew compare {first} {second} {third} -m train/loss -m val/loss -m val/acc")
    show(f"anew plot {first} {second} {third} val/loss --output demo/val-loss.png")
    show(f'anew plot --filter "{mine}" --metric val/acc --group-by params.lr')

    console.print("\n[bold]To go on:[/]\n")
    for what, line in (
        ("have `anew` at hand", ". .venv/bin/activate"),
        ("all that is known of the best one, and its model", f"anew show {first}"),
        ("where the best two differ, and what could be the cause", f"anew diff {first} {second}"),
        (
            "curves, table and images in one file to send",
            f'anew export -f "{mine}" --to demo/report.html',
        ),
        ("the best over all sweeps", "anew best val/acc"),
        ("another sweep, beside this one", "make demo"),
        ("all of them in a browser: curves, table, differences", "anew ui"),
    ):
        console.print(f"  [dim]# {what}[/]\n  {line}", soft_wrap=True)


if __name__ == "__main__":
    main()
