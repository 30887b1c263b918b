"""What an opening means: the root it goes to, what it is called there, and whether it belongs to what runs around it.

The same program may open several experiments, run as ranks of one launch, or be run by `anew run` or `anew reproduce`. All
of that is settled here, before anything is looked for on the disk.
"""

from __future__ import annotations

import itertools
import os

from ..address import local_folder
from ..journal.layout import RootLayout
from .choosing import Wish
from .identity import named
from .launches import find_launch
from .recording import LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .identity import Named
    from .joining import Joined
    from .launches import Launch
    from .life import Life

__all__ = ["Meaning", "find_meaning", "remember"]

_opened_by_name: dict[str, int] = {}
_unnamed = itertools.count()
_mine: dict[str, str] = {}  # the ids of what this process has opened, and the roots


class Meaning:
    """What one opening means.

    Attributes:
        root: The store's root.
        launch: The launch that this process is part of.
        ordinal: How often this process has opened what it called so before.
        wish: Which of the experiments that are there it goes on with, if any.
        called: Its prefix or name; None where an id says which it is, or where it belongs to the one outside.
        joined: Where the program around this one says that it goes.
        joining: The prefix of the experiment outside, if this belongs to it.
    """

    __slots__ = ("called", "joined", "joining", "launch", "ordinal", "root", "wish")

    def __init__(
        self,
        root: RootLayout,
        launch: Launch,
        wish: Wish,
        ordinal: int,
        called: Named | None,
        joined: Joined | None,
        joining: str,
    ) -> None:
        self.root = root
        self.launch = launch
        self.wish = wish
        self.ordinal = ordinal
        self.called = called
        self.joined = joined
        self.joining = joining

    @property
    def belongs(self) -> bool:
        """Whether it is the experiment that was recorded around this program."""
        return self.joined is not None and self.joined.belongs


def find_meaning(life: Life, opened_as: str, project: str | None, *, is_prefix: bool) -> Meaning:
    """What is meant by an opening; the settings of its life then name the root that it goes to.

    Args:
        opened_as: What the program called it; "" where it gave no name.
        project: The folder for experiments opened by name.
        is_prefix: Whether the name is a prefix also without a slash.

    Raises:
        InvalidName: The prefix or name cannot be kept.
        InvalidSetting: What the program around this one says cannot be read.
    """
    settings = life.settings
    launch = find_launch(os.environ, settings.launch, life.rank)
    resume = settings.resume
    if settings.join and resume not in ("never", "auto", "allow", *_mine):
        # What `anew reproduce` runs again leaves alone what the program continued then.
        resume = "allow" if resume == "must" else "never"
    by_id = resume not in ("never", "auto", "allow", "must")
    if not life.given and not by_id:
        from ..naming import random_name

        # Ranks of one launch must come to the same name; a process on its own to any.
        life.given = random_name(launch.token and f"{launch.token}:{next(_unnamed)}")
    key = f"{settings.root}\0{project}\0{life.given}"
    ordinal = _opened_by_name[key] = _opened_by_name.get(key, -1) + 1
    joined = None
    if settings.join and not by_id:
        from .claims import claim
        from .joining import find_joined

        joined = find_joined(
            settings.join,
            opened_as,
            life.given,
            is_prefix,
            repeat=ordinal,
            goes_on=resume != "never" or _is_open(opened_as),
            claims=lambda path: not path or claim(path, launch, opened_as),
        )
        settings.root = joined.root or settings.root
    elif settings.join:
        settings.root = _mine.get(resume, settings.root)
    settings.root = local_folder(settings.root)
    root = RootLayout(settings.root)
    given = life.given
    if joined is not None and joined.given:
        given, project = joined.given, joined.project
    wish = Wish(resume, launch, ordinal, life.rank.label)
    belongs = joined is not None and joined.belongs
    called = None
    if not (belongs or by_id):
        called = named(root, given, project=project, is_prefix=is_prefix)
    return Meaning(root, launch, wish, ordinal, called, joined, given if belongs else "")


def remember(experiment_id: str, root: str) -> None:
    """Note what this process has opened: a program that is run again may go on with it by its id."""
    _mine[experiment_id] = root


def _is_open(opened_as: str) -> bool:
    """Whether this process has an experiment open that it called so."""
    return any(one.opened_as == opened_as and one.pid == os.getpid() for one in list(LIVE.values()))
