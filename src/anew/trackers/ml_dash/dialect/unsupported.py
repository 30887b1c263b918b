"""What programs written for ml-dash may ask for and do not get, each with the reason."""

from __future__ import annotations

__all__ = ["UNSUPPORTED", "no_attribute"]

UNSUPPORTED: dict[str, str] = {
    'metrics(name).log(note="text")': "a metric is a number; keep a text with `exp.log` or as a parameter",
    "metrics(name).summary_cache": "use `metrics(name).buffer(...)` and `metrics.buffer.log_summary(...)`",
    "files(prefix).save_pkl": "no pickle is written or read; save plain data, bytes or a state dict",
    "files(prefix).save_video": "log an `anew.Video` with `exp.native.log_value`",
}


def no_attribute(what: str, name: str) -> AttributeError:
    """The error for an attribute that is not there, with the reason if one is listed."""
    reason = UNSUPPORTED.get(f"{what}.{name}")
    return AttributeError(
        f"{what}.{name} is not supported: {reason}." if reason else f"There is no {what}.{name}."
    )
