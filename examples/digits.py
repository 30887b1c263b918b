"""Train a grid of small networks on scikit-learn's handwritten digits, then ask questions about them.

`make demo` runs this. Each run of it is one sweep of eighteen experiments, kept beside the ones before:
`demo/digits/sweep-1/…`, `demo/digits/sweep-2/…`.
"""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from reenact import Experiment, Store

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


def sweep_name(root: Path) -> str:
    """The first sweep that has no folder yet."""
    return next(f"sweep-{n}" for n in itertools.count(1) if not (root / f"sweep-{n}").exists())


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
                tags={"sweep": sweep.removeprefix("sweep-"), "digits": None},
                quiet=True,
            ) as exp:
                train(exp, data, bar)
            bar.advance(whole)


def show(*arguments: str) -> None:
    """Run a real `reenact` command, saying so first."""
    console.print(f"\n[bold green]$[/] [bold]reenact {shlex.join(arguments)}[/]")
    subprocess.run([sys.executable, "-m", "reenact", *arguments], check=True)


def main() -> None:
    """Train, then look."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="sklearn")
    with Store() as store:
        root = Path(store.root)
    sweep = sweep_name(root / "demo" / "digits")
    number = sweep.removeprefix("sweep-")
    console.print(
        f"Training {len(LEARNING_RATES) * len(WIDTHS) * len(SEEDS)} networks on 1,797 handwritten digits …\n"
    )
    run_grid(sweep)

    with Store() as store:
        best = store.best("val/acc", filter=f"tags.sweep == '{number}'", limit=3)
    refs = [one.experiment.id[:6] for one in best]
    show("list", f"tags.sweep == '{number}'", "--limit", "8")
    show(
        "search",
        f"metrics.val/acc.max > 0.975 and params.lr >= 0.001 and tags.sweep == '{number}'",
        "--sort",
        "-metrics.val/acc.max",
    )
    show("compare", *refs, "--metric", "train/loss", "--metric", "val/loss", "--metric", "val/acc")
    show("plot", *refs, "--metric", "val/loss", "--output", "digits.png")
    show(
        "plot",
        "--filter",
        f"tags.sweep == '{number}'",
        "--metric",
        "val/acc",
        "--group",
        "params.lr",
    )

    console.print("\n[bold]To go on[/]\n")
    for line, what in (
        (". .venv/bin/activate", "have `reenact` at hand"),
        (f"reenact show {refs[0]}", "all that is known of the best one"),
        (f"reenact files {refs[0]}", "its model"),
        (
            "reenact plot --filter \"'digits' in tags\" --metric val/acc --parallel -o parallel.png",
            "what matters",
        ),
        ("make demo", "another sweep, beside this one"),
    ):
        console.print(f"  {line:<88} [dim]# {what}[/]", soft_wrap=True, markup=True)


if __name__ == "__main__":
    main()
