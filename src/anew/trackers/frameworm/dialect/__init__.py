"""What stands behind `anew.dialects.frameworm`."""

from __future__ import annotations

from .experiment import Experiment
from .manager import ExperimentManager
from .trainer import Trainer
from .visualization import plot_metric_comparison, plot_multiple_metrics

__all__ = [
    "UNSUPPORTED",
    "Experiment",
    "ExperimentManager",
    "Trainer",
    "plot_metric_comparison",
    "plot_multiple_metrics",
]

UNSUPPORTED: dict[str, str] = {
    "experiments.db of frameworm": "experiments recorded by frameworm are not read; the `experiments.db` here is Anew's index",
    "plot_metric_comparison(save_path=None)": "no window is opened; the figure is returned, so that a notebook shows it",
    'Experiment(name="team/vae")': "a slash in a name becomes a dash, because a name with a slash would be a prefix",
    "Trainer.set_scheduler, add_callback, enable_ema": "the trainer here trains, validates, logs and keeps checkpoints; step a scheduler in your own loop",
}
