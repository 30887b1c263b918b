"""A report as a file: Markdown, one HTML file, or a PDF.

    from anew.printing import write_report
    write_report(store, "paper", "paper.pdf")

Where to find what: `sheet` asks the store what the blocks of a report show, `figure` draws curves, and `page` and `pdf` put all of it into a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .writing import WrittenReport, write_report

__all__ = ["WrittenReport", "write_report"]


def __getattr__(name: str) -> Any:
    # The command line lists its commands without loading what they need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import writing

    return getattr(writing, name)
