"""Search the settings of a classifier of digits with Optuna. Then: `anew show examples/digits/optuna`."""

from __future__ import annotations

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from anew import Experiment
from anew.integrations.optuna import AnewCallback

x_train, x_val, y_train, y_val = train_test_split(
    *load_digits(return_X_y=True), test_size=0.3, random_state=0
)


def objective(trial: optuna.Trial, experiment: Experiment) -> float:
    """Train for some epochs; Optuna prunes what does not look promising."""
    alpha = trial.suggest_float("alpha", 1e-6, 1e-1, log=True)
    loss = trial.suggest_categorical("loss", ["hinge", "log_loss", "modified_huber"])
    model = SGDClassifier(alpha=alpha, loss=loss, random_state=0)
    for epoch in range(10):
        model.partial_fit(x_train / 16, y_train, classes=np.arange(10))
        accuracy = model.score(x_val / 16, y_val)
        experiment.log_metric("train/acc", model.score(x_train / 16, y_train), step=epoch)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"at epoch {epoch}")
    return accuracy


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
)
with AnewCallback("examples/digits/optuna") as callback:
    study.optimize(callback.track(objective), n_trials=12, callbacks=[callback])
print(f"best: {study.best_value:.3f} with {study.best_params}")
