"""Whether a metric is better small or large, guessed from its name."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["LARGER_IS_BETTER", "SMALLER_IS_BETTER", "direction", "known_direction"]

# fmt: off
LARGER_IS_BETTER = frozenset([
    "acc", "accuracies", "accuracy", "adjusted", "ap", "apl", "apm", "aps", "auc", "aucpr", "aucroc", "auprc",
    "auroc", "bertscore", "bleu", "calinski", "chrf", "cider", "comet", "completeness", "correct", "correlation",
    "cosine", "coverage", "dice", "efficiency", "elo", "em", "episodicreturn", "exact", "explained", "f1", "f2",
    "fbeta", "fitness", "fmeasure", "fowlkes", "fps", "gain", "gdt", "harabasz", "hit", "hitrate", "hits",
    "homogeneity", "iou", "jaccard", "kappa", "lddt", "likelihood", "mallows", "map", "mar", "margins", "matthews",
    "mc1", "mc2", "mcc", "meteor", "miou", "mos", "mrr", "mutual", "ndcg", "pass", "passed", "pearson", "pearsonr",
    "pesq", "precision", "psnr", "purity", "r2", "rand", "recall", "return", "returns", "rew", "reward", "rewards",
    "rouge", "rouge1", "rouge2", "rougel", "score", "sdr", "sensitivity", "sharpe", "silhouette", "similarity", "sisdr",
    "snr", "spearman", "spearmanr", "specificity", "sps", "ssim", "stoi", "success", "throughput", "tnr", "top", "tpr",
    "utilization", "vmeasure", "win", "winrate", "wins",
])
"""Words that say larger is better, when one stands in the last part of a metric's name."""

SMALLER_IS_BETTER = frozenset([
    "bouldin", "bpb", "bpc", "bpd", "brier", "cer", "cost", "crossentropy", "crps", "davies", "deviance", "deviation",
    "distance", "divergence", "ece", "eer", "energy", "entropy", "err", "error", "errors", "fail", "failed", "failures",
    "fid", "fnr", "fpr", "gap", "hinge", "huber", "kid", "kl", "l1", "l2", "latency", "logcosh", "loss", "losses",
    "lpips", "lsd", "mae", "mape", "mphe", "ms", "mse", "msle", "nll", "nloglik", "penalty", "perplexity", "poisson",
    "ppl", "quantile", "regret", "rejected", "residual", "rmse", "rmsle", "runtime", "smape", "std", "stderr",
    "stereotype", "ter", "time", "tweedie", "var", "variance", "violation", "violations", "wer",
])
"""Words that say smaller is better; they outweigh the others (`score_loss`, `accuracy_gap`)."""
# fmt: on

_ENDINGS_SMALLER = ("loss", "error")
"""Words that end so say it as well: `logloss`, `merror`."""
_GROUPS_THAT_SAY_NOTHING = frozenset(["time"])
"""Words that name what a group of metrics is about, and not a value: `time/iterations`."""

_LARGER_PHRASES = re.compile(
    r"(^|_)per_(s|sec|second|min|minute|h|hour)(_|$)|explained_variance|variance_explained|(^|_)d2_"
)
"""Rates, and names of which a word alone would say the opposite."""
_SMALLER_PHRASES = re.compile(
    r"(^|_)(s|sec|secs|seconds|ms|minutes|hours|bits|nats)_per_|likelihood_diff"
)
_AVERAGE_RECALL = re.compile(r"(?<![A-Za-z])AR[sml]?(?![A-Za-z])")
"""COCO's, in capitals alone: in small letters it is a language."""
_RATE = re.compile(r"[/_ ](s|sec|second)$")
"""The end of `img/s`, `tokens/sec`."""


def direction(metric: str) -> Literal["min", "max"]:
    """ "max" for accuracies, scores and rewards, "min" for losses, errors and everything else."""
    return known_direction(metric) or "min"


def known_direction(metric: str) -> Literal["min", "max"] | None:
    """ "max" for accuracies, scores and rewards, "min" for losses and errors, None where the name does not say.

    The last part of the name counts (`val/acc`, `eval.reward`), then what is before it (`accuracy/top`). A negated error
    is better large (scikit-learn's `neg_mean_squared_error`), a negated likelihood small.
    """
    if _RATE.search(metric.lower()):
        return "max"
    last, *before = reversed(re.split(r"[/.:]", metric))
    found = _of_part(last)
    for part in before:
        if found is not None:
            break
        found = _of_part(part) if part.lower() not in _GROUPS_THAT_SAY_NOTHING else None
    return found


def _of_part(part: str) -> Literal["min", "max"] | None:
    phrase = re.sub(r"[^a-z0-9]+", "_", part.lower())
    if _LARGER_PHRASES.search(phrase) or _AVERAGE_RECALL.search(part):
        return "max"
    if _SMALLER_PHRASES.search(phrase):
        return "min"
    words = _words(part)
    negated = not words.isdisjoint(("neg", "negative"))
    if not words.isdisjoint(SMALLER_IS_BETTER) or any(w.endswith(_ENDINGS_SMALLER) for w in words):
        return "max" if negated else "min"
    if not words.isdisjoint(LARGER_IS_BETTER):
        return "min" if negated else "max"
    return None


def _words(part: str) -> set[str]:
    """Its words as they are written, cut before capitals, all joined, and without the number at their ends (`acc5`, `AP50`)."""
    lower = part.lower()
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part).lower()
    words = {*re.split(r"[^a-z0-9]+", lower), *re.split(r"[^a-z0-9]+", spaced)}
    words.add(re.sub(r"[^a-z0-9]", "", lower))
    return words | {re.sub(r"[0-9]+$", "", word) for word in words}
