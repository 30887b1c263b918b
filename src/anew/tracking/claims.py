"""Who has claimed an experiment that a program around this one records: one start of a training, and nobody else.

The first that opens an experiment below `anew run` becomes the one outside. A shell script, a sweep or a pool may train several
times, also at the same moment; a file that is made exclusively says whose the experiment is.
"""

from __future__ import annotations

import os

from ..journal.liveness import process_started
from ..record.plain import parse_json
from .launches import ancestors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .launches import Launch

__all__ = ["claim"]


def claim(path: str, launch: Launch, opened_as: str) -> bool:
    """Claim what the file stands for; whether it is this training's, now or already.

    It is shared by the processes of a launch, and by what one of them has started, where these open the same.

    Args:
        path: The file.
        opened_as: What the program calls the experiment.
    """
    import json

    pid = os.getpid()
    mine = {
        "pid": pid,
        "started": process_started(pid),
        "token": launch.token,
        "as": opened_as,
    }
    made = f"{path}.{pid}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(made, "w", encoding="utf-8") as file:
            json.dump(mine, file)
        try:
            os.link(made, path)  # whole, or not at all
            return True
        finally:
            os.unlink(made)
    except FileExistsError:
        return _shared(path, launch, opened_as, mine)
    except OSError:  # nothing can be claimed there
        return True


def _shared(path: str, launch: Launch, opened_as: str, mine: dict[str, object]) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            known = parse_json(file.read(65536))
    except (OSError, ValueError):
        return False
    if not isinstance(known, dict):
        return False
    same = known.get("as") == opened_as
    if known.get("token") and known.get("token") == launch.token:
        return same or launch.distinct
    above: dict[int, int] = ancestors() | {os.getpid(): int(str(mine["started"]))}
    claimer = known.get("pid")
    return same and isinstance(claimer, int) and above.get(claimer) == known.get("started")
