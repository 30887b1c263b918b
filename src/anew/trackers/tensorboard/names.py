"""Names that TensorBoard and Anew must agree on."""

from __future__ import annotations

__all__ = ["CURVE", "CURVE_COLUMNS", "HPARAM_DOMAINS", "LAYOUT", "tag_name"]

CURVE = "pr"  # the metadata `curve` of a table that holds a curve of precision and recall
CURVE_COLUMNS = (
    "threshold", "true_positives", "false_positives", "true_negatives", "false_negatives", "precision", "recall",
)  # fmt: skip
LAYOUT = "custom scalars"  # the captured fact that says how charts are arranged
HPARAM_DOMAINS = (
    "hparam domains"  # the captured fact that lists the values a hyperparameter may have
)


def tag_name(tag: object) -> str:
    """The name under which a tag is recorded: the tag itself, or "untitled" for an empty one.

    What a name of a metric cannot hold is changed, and told, where it is recorded.
    """
    return str(tag) or "untitled"
