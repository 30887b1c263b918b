"""Programs started by `anew run` or `anew reproduce`: what they open belongs to the experiment around them.

`anew run` and `anew reproduce` record what a program does from outside and hand it a setting, `ANEW_JOIN`. The
first experiment that the program opens, whatever its name, then *is* the one outside: it writes to the same record. Any
other one, and any of another program started there later, becomes an experiment of its own below it, in `others/`. When an experiment is reproduced, the one that
counts is not the first but the one that was recorded: by its prefix and how often that was opened before, or else by its
place in the order of openings.
"""

from __future__ import annotations

from ..errors import InvalidSetting
from ..record.plain import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Joined", "find_joined"]

_joined_as: str | None = None
_count = 0


class Joined:
    """Where an opening goes: to which root, and (if `given` is not empty) which prefix or name and project.

    `belongs` says that it is the outer experiment itself, which is forwarded to `forwarded` already. `again` is the id
    of the outer one, where that is a reproduction and this is not it: something that is recorded a second time. `until` has
    the log calls, by the label of their writer, after which the program is ended with `signal`: as many as its original had
    made when it was ended. `chosen` says that the setting named which of the program's experiments belongs.
    """

    __slots__ = (
        "again", "belongs", "chosen", "forwarded", "given", "project", "root", "signal", "until",
    )  # fmt: skip

    def __init__(
        self, root: str, given: str = "", project: str | None = None, belongs: bool = False
    ) -> None:
        self.root = root
        self.given = given
        self.project = project
        self.belongs = belongs
        self.forwarded: list[dict[str, object]] = []
        self.again = ""
        self.chosen = False
        self.until: dict[str, int] = {}
        self.signal = 0


def find_joined(
    setting: str,
    opened_as: str,
    given: str,
    is_prefix: bool = False,
    *,
    repeat: int = 0,
    goes_on: bool = False,
    claims: Callable[[str], bool] = lambda path: True,
) -> Joined:
    """The place of one opening under the setting `join`; call it once for each.

    Args:
        setting: JSON with any of `root`, `prefix`, `as`, `repeat` and `nth` (what is to be reproduced), `again` (the id of the
            reproduction), `worker` (whether it was opened in one of several worker processes), `claim` (the file that says
            whose the experiment is), `forwarded`, and `until` and `signal` (see `Joined`).
        repeat: How often the program opened the same before.
        goes_on: Whether it continues what it opened under this name before.
        claims: Whether this training is the one that a file of that path stands for (see `claims.claim`).
        opened_as: The name or prefix in the program; "" for none.
        given: What stands for it where there is none.
        is_prefix: Whether it is a prefix even without a slash.

    Raises:
        InvalidSetting: The setting is not such a text.
    """
    global _joined_as, _count
    try:
        wanted = parse_json(setting)
        root, prefix = str(wanted.get("root", "")), str(wanted.get("prefix", ""))
    except (ValueError, AttributeError):
        raise InvalidSetting(
            f"ANEW_JOIN is {setting!r}, which was not set by `anew run`. Unset it.",
            setting="join",
        ) from None
    nth, _count = _count, _count + 1
    if not prefix:
        return Joined(root)
    is_prefix = is_prefix or "/" in opened_as
    if _joined_as is not None:
        belongs = is_prefix and opened_as == _joined_as and goes_on
    elif "as" in wanted:
        by_name = is_prefix and (opened_as, repeat) == (wanted["as"], wanted.get("repeat", 0))
        # Each of several workers counts for itself.
        by_place = nth == wanted.get("nth", 0) and not (wanted.get("worker") and is_prefix)
        belongs = (by_name or by_place) and claims(str(wanted.get("claim", "")))
    else:
        belongs = claims(str(wanted.get("claim", "")))
    if belongs:
        _joined_as = opened_as
        joined = Joined(root, prefix, belongs=True)
        joined.forwarded = list(wanted.get("forwarded", ()))
        joined.chosen = "as" in wanted
        joined.until, joined.signal = dict(wanted.get("until", {})), int(wanted.get("signal", 0))
        return joined
    joined = Joined(root, given, f"{prefix}/others")
    joined.again = str(wanted.get("again", ""))
    return joined
