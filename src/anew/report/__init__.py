"""A report: one HTML file with the curves, the table and the differences of experiments, to be sent to somebody.

    from anew.report import write_report
    write_report(store, "'sweep' in tags", "report.html")

Where to find what: `gather` asks the store, `content` is what it gathers, `page` makes the file of it, with the script
`report.js` and the styles `report.css` inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .page import Written, write_report

__all__ = ["Written", "write_report"]


def __getattr__(name: str) -> Any:
    # The command line lists its commands without loading what they need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import page

    return getattr(page, name)
