"""One HTML file with the curves, the table and the differences of experiments, to be sent to somebody.

    from anew.html_file import write_html
    write_html(store, "'sweep' in tags", "sweep.html")

Where to find what: `gather` asks the store, `content` is what it gathers, `page` makes the file of it, with the script
`page.js` and the styles `page.css` inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .page import Written, write_html

__all__ = ["Written", "write_html"]


def __getattr__(name: str) -> Any:
    # The command line lists its commands without loading what they need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import page

    return getattr(page, name)
