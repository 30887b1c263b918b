"""The stores with awkward things in them, one for each tracker, made by the program of its name in the tracker's own environment.

python -m tests.trackers.awkward.stores STORE …        makes stores again, and records them for the quick tests
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from ..environments import Environment, Made, keep, unpacked

__all__ = ["STORES", "Awkward", "made", "recorded"]

HERE = Path(__file__).resolve().parent


class Awkward(NamedTuple):
    """A store.

    Attributes:
        tracker: Whose environment makes it, with the program of the same name.
        source: What is imported of it.
        place: Where its runs come to lie.
        options: What its program is given.
        kind: The kind of source, where it is not the tracker's name.
        is_recorded: Whether it is small enough to be kept in the checkout.
    """

    tracker: str
    source: str
    place: str = ""
    options: tuple[str, ...] = ()
    kind: str = ""
    is_recorded: bool = True


STORES = {
    "aim": Awkward("aim", ".", "vision ü", is_recorded=False),
    "clearml": Awkward("clearml", ".", "vision lab/ü"),
    "dvclive": Awkward("dvclive", "."),
    "ml-dash": Awkward("ml-dash", ".dash", "alice/vision ü"),
    "mlflow": Awkward("mlflow", "mlflow.db", "vision lab-ü-1b8a92d3"),
    "mlflow-files": Awkward("mlflow", "mlruns", "vision lab-ü-1b8a92d3", ("--files",), "mlflow"),
    "sacred": Awkward("sacred", "runs", "my exp-ü-00cb6aa7"),
    "swanlab": Awkward("swanlab", "swanlog", "vision"),
    "tensorboard": Awkward("tensorboard", "logs ü"),
    "tensorboardx": Awkward("tensorboardx", "logs ü", kind="tensorboard"),
    "trackio": Awkward("trackio", ".", "visionlab"),
    "wandb": Awkward("wandb", "wandb", "vision lab"),
}


def made(name: str, folder: Path, *cases: str) -> Made:
    """A store as its tracker makes it now, with all cases but the long one, or with those that are named."""
    store = STORES[name]
    program = HERE / f"{store.tracker.replace('-', '_')}.py"
    given = (*store.options, *cases)
    answers = Environment(store.tracker).run(program, folder, *given, beside=[HERE / "shared.py"])
    return Made(folder, answers)


def recorded(name: str, folder: Path) -> Made:
    """A store as it was recorded."""
    return unpacked(HERE / f"{name}.zip", folder)


def main() -> None:
    """Record the named stores."""
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="store-") as temporary:
            found = made(name, Path(temporary).resolve() / "store")
            print(f"{name}: {keep(found, HERE / f'{name}.zip'):,} bytes", flush=True)


if __name__ == "__main__":
    main()
