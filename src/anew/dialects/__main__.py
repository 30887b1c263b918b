"""`python -m anew.dialects wandb train.py …`: a program that imports a tracker, run with the dialect in its place."""

from __future__ import annotations

import os
import runpy
import sys

from .installing import INSTALLABLE, install

_USAGE = f"""Usage: python -m anew.dialects NAME PROGRAM.py [ARGUMENTS]
       python -m anew.dialects NAME -m MODULE [ARGUMENTS]

  Run a program that imports {" or ".join(INSTALLABLE)}, unchanged, and record it with Anew.

  Example:
    python -m anew.dialects wandb train.py --epochs 3"""


def main() -> None:
    """Run the program that the command line names, as `__main__`."""
    name, *program = sys.argv[1:] or ("",)
    if name in ("-h", "--help"):
        print(_USAGE)
        return
    if name not in INSTALLABLE or not program or program == ["-m"]:
        print(_USAGE, file=sys.stderr)
        raise SystemExit(2)
    install(name)
    if program[0] == "-m":
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = program
    sys.path[0] = os.path.dirname(os.path.abspath(program[0]))
    runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main()
