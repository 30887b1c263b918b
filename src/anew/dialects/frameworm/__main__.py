"""The command line: `python -m anew.dialects.frameworm list | show | compare | plot | delete | summary`."""

from __future__ import annotations

from ...trackers.frameworm.dialect.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
