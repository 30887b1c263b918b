"""Names that TensorBoard and Anew must agree on."""

from __future__ import annotations

import hashlib

__all__ = ["CURVE", "CURVE_COLUMNS", "HPARAM_DOMAINS", "LAYOUT", "tag_name"]

CURVE = "pr"  # the metadata `curve` of a table that holds a curve of precision and recall
CURVE_COLUMNS = (
    "threshold", "true_positives", "false_positives", "true_negatives", "false_negatives", "precision", "recall",
)  # fmt: skip
LAYOUT = "custom scalars"  # the captured fact that says how charts are arranged
HPARAM_DOMAINS = (
    "hparam domains"  # the captured fact that lists the values a hyperparameter may have
)

_LONGEST_TAG = 500


def tag_name(tag: object) -> str:
    """The name under which a tag is recorded.

    Spaces around it are removed, characters that cannot be shown become "_", and a tag that is too long ends with a hash of
    the whole.
    """
    text = "".join(c if c.isprintable() else "_" for c in str(tag).strip())
    if len(text) > _LONGEST_TAG:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        text = f"{text[: _LONGEST_TAG - 9]}-{digest}"
    return text or "untitled"
