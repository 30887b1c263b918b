"""Whether a metric is better small or large, guessed from its name."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["LARGER_IS_BETTER", "SMALLER_IS_BETTER", "direction", "known_direction"]

LARGER_IS_BETTER = frozenset(
    [
        "acc",
        "accuracy",
        "ap",
        "auc",
        "aucpr",
        "aucroc",
        "auprc",
        "auroc",
        "bleu",
        "chrf",
        "cider",
        "coverage",
        "cosine",
        "correlation",
        "dice",
        "efficiency",
        "elo",
        "em",
        "exact",
        "f1",
        "f2",
        "fbeta",
        "fmeasure",
        "fps",
        "gain",
        "hit",
        "hits",
        "hitrate",
        "iou",
        "jaccard",
        "kappa",
        "lddt",
        "likelihood",
        "map",
        "map50",
        "mcc",
        "mar",
        "meteor",
        "miou",
        "mrr",
        "ndcg",
        "pass",
        "passed",
        "pearson",
        "pesq",
        "precision",
        "psnr",
        "purity",
        "r2",
        "recall",
        "return",
        "returns",
        "reward",
        "rewards",
        "rouge",
        "rouge1",
        "rouge2",
        "rougel",
        "score",
        "sensitivity",
        "similarity",
        "sharpe",
        "silhouette",
        "spearman",
        "specificity",
        "ssim",
        "stoi",
        "success",
        "throughput",
        "top1",
        "top3",
        "top5",
        "top10",
        "tpr",
        "tnr",
        "utilization",
        "win",
        "winrate",
        "wins",
    ]
)
"""Words that say larger is better, when one stands in the last part of a metric's name."""

SMALLER_IS_BETTER = frozenset(
    [
        "bpc",
        "bpd",
        "brier",
        "cer",
        "cost",
        "crps",
        "deviation",
        "distance",
        "divergence",
        "ece",
        "energy",
        "entropy",
        "eer",
        "err",
        "error",
        "errors",
        "fail",
        "failed",
        "failures",
        "fid",
        "fnr",
        "fpr",
        "gap",
        "kid",
        "kl",
        "latency",
        "loss",
        "losses",
        "lpips",
        "mae",
        "mape",
        "mse",
        "msle",
        "nll",
        "penalty",
        "perplexity",
        "ppl",
        "regret",
        "residual",
        "rmse",
        "rmsle",
        "smape",
        "std",
        "ter",
        "time",
        "var",
        "variance",
        "violation",
        "violations",
        "wer",
    ]
)
"""Words that say smaller is better; they outweigh the others (`score_loss`, `accuracy_gap`)."""


def direction(metric: str) -> Literal["min", "max"]:
    """ "max" for accuracies, scores and rewards, "min" for losses, errors and everything else."""
    return known_direction(metric) or "min"


def known_direction(metric: str) -> Literal["min", "max"] | None:
    """ "max" for accuracies, scores and rewards, "min" for losses and errors, None where the name does not say.

    The last part of the name counts (`val/acc`, `eval.reward`), then what is before it (`accuracy/top`).
    """
    for part in reversed(re.split(r"[/.:]", metric)):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part).lower()
        words = set(re.split(r"[^a-z0-9]+", spaced)) | {re.sub(r"[^a-z0-9]", "", part.lower())}
        if words & SMALLER_IS_BETTER:
            return "min"
        if words & LARGER_IS_BETTER:
            return "max"
    return None
