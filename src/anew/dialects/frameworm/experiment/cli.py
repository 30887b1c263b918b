"""`python -m anew.dialects.frameworm.experiment.cli`: the command line, by the address that frameworm's documents use."""

from __future__ import annotations

from ....trackers.frameworm.dialect.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
