"""The functions of an experiment folder written by hand: `from anew.dialects.handrolled import setup_experiment, Logger`.

The folder `config.experiment.output_dir` gets the files the hand-written code made (`config.yaml`, `metadata.json` with
its keys, `logs/metrics.jsonl`, `logs/train_rank0.log`, `checkpoints/`, `outputs/`) and is an Anew experiment as well,
with all that is captured by itself. A configuration is any object with attributes or keys.
"""

from __future__ import annotations

from ..trackers.handrolled.dialect import (
    UNSUPPORTED,
    ExperimentMetadata,
    Logger,
    compare_experiments,
    create_reproduction_script,
    generate_experiment_name,
    get_git_info,
    get_rng_state,
    load_metrics,
    save_environment,
    seed_everything,
    set_rng_state,
    setup_experiment,
    summarize_experiment,
)

__all__ = [
    "UNSUPPORTED",
    "ExperimentMetadata",
    "Logger",
    "compare_experiments",
    "create_reproduction_script",
    "generate_experiment_name",
    "get_git_info",
    "get_rng_state",
    "load_metrics",
    "save_environment",
    "seed_everything",
    "set_rng_state",
    "setup_experiment",
    "summarize_experiment",
]
