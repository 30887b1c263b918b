"""The only reader of environment variables and configuration files.

A setting comes from, in this order: an argument of the call, the environment (`ANEW_ROOT` …), the
project's `anew.toml` or `[tool.anew]` in its `pyproject.toml` (the nearest one at or above the working
directory), the user's `~/.config/anew/config.toml`, the default.
"""

from __future__ import annotations

import os

from .address import local_folder, parse_address
from .errors import InvalidSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = [
    "FOUND",
    "SETTINGS",
    "Setting",
    "Settings",
    "alert_sending",
    "load_settings",
    "server_catalog",
    "server_limits",
    "server_links",
    "server_series",
    "server_stores",
    "sign_on_secret",
    "token_in_environment",
    "user_folder",
]

FOUND = "found above the working directory"
"""The source of a root that nobody set, and that is not in the working directory."""


def _boolean(text: object) -> bool:
    if isinstance(text, bool):
        return text
    word = str(text).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be true or false")


def _seconds(text: object) -> float:
    try:
        seconds = float(str(text))
    except ValueError:
        raise ValueError("must be a number of seconds") from None
    if not 0 <= seconds < float("inf"):
        raise ValueError("must be a number of seconds, 0 or more")
    return seconds


def _several(given: object) -> tuple[Any, ...]:
    """Texts between commas, or the items of a list."""
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    if isinstance(given, (list, tuple)):
        return tuple(given)
    return (given,)


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError("is a text")
    return text


def _root(where: object) -> str:
    """The text of an address that can be a root: a folder or a server; `load_settings` makes it absolute."""
    if not isinstance(where, (str, os.PathLike)):
        raise ValueError("must be a path or a URL")
    address = parse_address(where, base=os.sep)
    if address.kind == "server":
        return address.location
    return _folder(where)


def _folder(where: object) -> str:
    """The text of an address of a folder; `load_settings` makes it absolute."""
    if where == "":
        return ""
    if not isinstance(where, (str, os.PathLike)):
        raise ValueError("must be a path")
    local_folder(where, base=os.sep)
    return os.fsdecode(where)


def _wait(given: object) -> float | str:
    return "auto" if given == "auto" else _seconds(given)


_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def _kept(given: object) -> str:
    """A duration such as `30d`, or "forever"; a number alone counts days."""
    text = str(given).strip().lower()
    seconds = _seconds_of(text)
    if isinstance(given, bool) or seconds < 0 or (seconds == float("inf") and text != "forever"):
        raise ValueError("must be a duration such as 30d or 12h, 0, or forever")
    return text


def _seconds_of(text: str) -> float:
    """The seconds of a duration; less than 0 if it is none."""
    if text == "forever":
        return float("inf")
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "d")
    try:
        found = float(number) * _SECONDS[unit]
    except ValueError:
        return -1.0
    return found if found >= 0 else -1.0


def _choice(*choices: str) -> Callable[[object], str]:
    def parse(text: object) -> str:
        if text is False:  # TOML's `console = false`
            text = "off"
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(text)

    return parse


def _resume(given: object) -> str:
    word = "never" if given is False or given == "" else "allow" if given is True else given
    if not isinstance(word, str) or not (
        word in ("never", "auto", "allow", "must") or len(word) > 6
    ):
        raise ValueError("must be never, auto, allow, must or the id of an experiment")
    return word


class Setting:
    """One setting: its name, default, how it is read, and what it is for."""

    __slots__ = ("default", "meaning", "name", "parse")

    def __init__(
        self, name: str, default: Any, parse: Callable[[object], Any], meaning: str
    ) -> None:
        self.name = name
        self.default = default
        self.parse = parse
        self.meaning = meaning

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"ANEW_{self.name.upper()}"


SETTINGS = (
    Setting("root", "experiments", _root, "The store: a folder (a path, or a URL such as `file:///data/runs`), or the URL of a server, such as `https://lab.example.org`. Experiments are always recorded in a folder of this machine first; with a server, they are pushed to it in the background, and readers ask it. A relative path starts at the working directory, or, when set in a project's file, at that file's folder. When it is not set, the nearest `experiments` folder that is a store is used, from the working directory upwards, but not above the repository, your home folder, the file system, or a folder that belongs to somebody else or that anyone may write to. Where there is none, it is `experiments` in the working directory."),
    Setting("local", "", _folder, "With a server as `root`: the folder of this machine that experiments are recorded in; where they would lie without a server if not set. A relative path is taken as for `root`."),
    Setting("sync", "on", _choice("on", "off"), "With a server as `root`: `off` pushes nothing in the background, for machines that cannot reach the server; `anew sync` pushes it later."),
    Setting("sync_wait", "auto", _wait, "With a server as `root`: seconds that the end of a program waits for records still being pushed. `auto` waits 10 seconds, or 300 where the disk is lost with the job or the container."),
    Setting("keep_local", "30d", _kept, "How long the local copy of an experiment that was recorded with a server as `root` stays after the server has all of it: a duration such as `30d` or `12h`, `0`, or `forever`."),
    Setting("mode", "on", _choice("on", "disabled"), "`disabled` makes every call do nothing and write nothing."),
    Setting("strict", False, _boolean, "Raise when a record cannot be written, instead of counting it and continuing."),
    Setting("quiet", False, _boolean, "Print nothing at the start and the end of an experiment."),
    Setting("console", "on", _choice("on", "off"), "Keep what the program prints in `logs/train.log`."),
    Setting("system_metrics", 10.0, _seconds, "Seconds between samples of CPU, memory, disk, network and GPU; 0 takes none."),
    Setting("heartbeat", 10.0, _seconds, "Seconds between signs of life; readers elsewhere call a writer gone after six missed ones."),
    Setting("fsync", 10.0, _seconds, "Seconds between forcing records to the disk, against power loss; 0 leaves it to the operating system."),
    Setting("user", "", _text, "Who runs the experiment; the login name if not set."),
    Setting("prefix", "", _text, "Prefix for an experiment opened without a prefix or name (`anew run` sets it)."),
    Setting("capture", "on", _choice("on", "off"), "Capture code, packages, hardware and seeds at the start; `off` keeps the command line and the commit."),
    Setting("capture_variables", "", _text, "Environment variables to capture in addition to the usual ones, separated by commas; `*` matches anything."),
    Setting("keep_commits", "on", _choice("on", "off"), "Keep the commit of each experiment in its repository by a reference below `refs/anew/`, so that amending, rebasing and `git gc` do not take its code away."),
    Setting("forward_to", (), _several, "Other trackers to send every experiment to, such as `mlflow,tensorboard:runs`; a list in a file."),
    Setting("forward_wait", 10.0, _seconds, "Seconds to wait, when an experiment ends, for records still being sent to other trackers; sending continues in the background after that."),
    Setting("join", "", _text, "Set by `anew run` and `anew reproduce` for the programs they start, to say which experiment those record into (JSON)."),
    Setting("trust", (), _several, "Whose recorded experiments `anew reproduce` runs without asking, as `user@machine` with `*` for anything, separated by commas; what you recorded on this machine needs no entry. Not read from a project's file."),
    Setting("explain_under", 60.0, _seconds, "Where a re-run differs from an original that took at most so many seconds, `anew reproduce` looks for the cause without being asked; 0 never does."),
    Setting("launch", "", _text, "A text that all processes of one launch share, and no other launch; for launchers that do not set one. The processes then record the same experiment."),
    Setting("resume", "never", _resume, "What opening a prefix again does: `never` begins a new experiment; `auto` continues the last one if it was interrupted, `allow` the last one however it ended, `must` the same or fails; an id continues that experiment."),
    Setting("config_conflict", "keep", _choice("keep", "refuse"), "What happens when an experiment is continued with another configuration: `keep` records both and prints a warning, `refuse` raises ConfigFrozen."),
)  # fmt: skip
_BY_NAME = {setting.name: setting for setting in SETTINGS}


class Settings:
    """All settings, read once; attributes have the names in `SETTINGS`.

    Attributes:
        root: The folder of this machine that experiments are recorded in, also where the store is a server.
        server: The URL of the server that is the store; "" where the store is that folder.
        sources: Where each setting that was set comes from.
    """

    __slots__ = ("server", "sources", *(setting.name for setting in SETTINGS))

    root: str
    server: str
    local: str
    sync: str
    sync_wait: float | str
    keep_local: str
    mode: str
    strict: bool
    quiet: bool
    console: str
    system_metrics: float
    heartbeat: float
    fsync: float
    user: str
    prefix: str
    capture: str
    capture_variables: str
    keep_commits: str
    forward_to: tuple[Any, ...]
    forward_wait: float
    join: str
    trust: tuple[Any, ...]
    explain_under: float
    launch: str
    resume: str
    config_conflict: str
    sources: dict[str, str]

    def __init__(
        self, values: Mapping[str, Any], sources: Mapping[str, str], server: str = ""
    ) -> None:
        for setting in SETTINGS:
            setattr(self, setting.name, values.get(setting.name, setting.default))
        self.server = server
        self.sources = dict(sources)

    @property
    def address(self) -> str:
        """The store that readers ask: the server, or the folder."""
        return self.server or self.root

    @property
    def keep_seconds(self) -> float | None:
        """How long local copies stay once a server has all of them; None for ever."""
        seconds = _seconds_of(self.keep_local)
        return None if seconds == float("inf") else seconds

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{s.name}={getattr(self, s.name)!r}' for s in SETTINGS)})"

    def with_arguments(self, **arguments: Any) -> Settings:
        """A copy of these settings in which the arguments that are not None replace the settings of the same name.

        Raises:
            InvalidSetting: An argument is unknown or has a value the setting cannot have.
        """
        values = {setting.name: getattr(self, setting.name) for setting in SETTINGS}
        sources = dict(self.sources)
        for name, value in arguments.items():
            if value is not None:
                values[name] = _parse(name, value, f"the argument {name}=")
                sources[name] = "argument"
        server = self.server
        if arguments.get("root") is not None:
            server = values["root"] if _is_server(values["root"]) else ""
        if server:
            # Where they would lie without the server.
            values["root"] = values["local"] or self.root
        values["root"] = _absolute(values["root"])
        return Settings(values, sources, server)


def _is_server(root: str) -> bool:
    """Whether the text of a root, as `_root` returns it, is that of a server."""
    return root.startswith(("http://", "https://"))


def _parse(name: str, value: object, where: str) -> Any:
    setting = _BY_NAME.get(name)
    if setting is None:
        import difflib

        near = difflib.get_close_matches(name, _BY_NAME, 1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(_BY_NAME)}."
        raise InvalidSetting(f"{where} is not a setting.{hint}", setting=name)
    try:
        return setting.parse(value)
    except InvalidSetting as error:  # an address, which says itself what is wrong with it
        raise InvalidSetting(f"{where} cannot be used. {error}", setting=setting.name) from None
    except ValueError as error:
        raise InvalidSetting(
            f"{where} is {value!r}, but {setting.name!r} {error}.", setting=setting.name
        ) from None


def _from_file(path: str, *, tool_table: bool) -> dict[str, Any]:
    """The settings in a TOML file; empty where there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return {}
    if tool_table and b"tool.anew" not in data:
        return {}
    import tomllib

    try:
        table = tomllib.loads(data.decode())
    except (ValueError, UnicodeDecodeError) as error:
        if tool_table:  # somebody else's file: its own tools will complain
            return {}
        raise InvalidSetting(f"{path} is not valid TOML: {error}.") from None
    found = table.get("tool", {}).get("anew", {}) if tool_table else table
    return {name: _parse(name, value, f"{name!r} in {path}") for name, value in found.items()}


def _absolute(root: str, base: str | None = None) -> str:
    """The absolute path of a root; relative ones start at `base`, or at the working directory."""
    if base is None:
        try:
            base = os.getcwd()
        except OSError:
            # It was deleted. A relative root means nothing then, and the experiment's start says so.
            folder = local_folder(root, base="/a")
            return folder if folder == local_folder(root, base="/b") else root
    return local_folder(root, base=base)


def _project_file(folder: str) -> tuple[dict[str, Any], str]:
    while True:
        for name, tool_table in (("anew.toml", False), ("pyproject.toml", True)):
            path = os.path.join(folder, name)
            found = _from_file(path, tool_table=tool_table)
            if found:
                # A relative root in a file is relative to that file, wherever the program starts.
                for name in ("root", "local"):
                    if found.get(name) and not _is_server(found[name]):
                        found[name] = _absolute(found[name], folder)
                return found, path
        parent = os.path.dirname(folder)
        if parent == folder:
            return {}, ""
        folder = parent


def _found_root(folder: str, home: str) -> str | None:
    """The nearest store at or above a folder; None where there is none.

    The search ends where what lies above is no longer the user's own place: at the top of a repository, at the home
    folder, where another file system begins, and below a folder that belongs to somebody else or that anyone may write to.
    There, a store would be found that the user does not know of, or that somebody has put in the way.
    """
    try:
        here = os.stat(folder)
    except OSError:
        return None
    owners = (os.geteuid(), here.st_uid)
    while True:
        for root in (folder, os.path.join(folder, _BY_NAME["root"].default)):
            if os.path.isdir(os.path.join(root, ".anew")):
                return root
        above = os.path.dirname(folder)
        if above == folder or folder == home or os.path.exists(os.path.join(folder, ".git")):
            return None
        try:
            there = os.stat(above)
        except OSError:
            return None
        if there.st_dev != here.st_dev or there.st_uid not in owners or there.st_mode & 0o002:
            return None
        folder = above


def token_in_environment(environ: Mapping[str, str] | None = None) -> str | None:
    """The token for servers that `ANEW_TOKEN` holds. It is no setting: files are read by others, and settings are shown."""
    return (os.environ if environ is None else environ).get("ANEW_TOKEN", "").strip() or None


def sign_on_secret(environ: Mapping[str, str] | None = None) -> str:
    """What a server shows the provider of sign-on, from `ANEW_OIDC_SECRET`; "" if there is none. It is no setting either."""
    return (os.environ if environ is None else environ).get("ANEW_OIDC_SECRET", "").strip()


def server_catalog(environ: Mapping[str, str] | None = None) -> str:
    """The database of a group's servers, from `ANEW_SERVER_CATALOG`; "" if there is none. It may hold a password, so it is no setting."""
    return (os.environ if environ is None else environ).get("ANEW_SERVER_CATALOG", "").strip()


def server_series(environ: Mapping[str, str] | None = None) -> str:
    """The ClickHouse server of a group's servers, from `ANEW_SERVER_SERIES`; "" if there is none. It may hold a password, so it is no setting."""
    return (os.environ if environ is None else environ).get("ANEW_SERVER_SERIES", "").strip()


def server_limits(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """How much may be asked of a server, from `ANEW_SERVER_LIMITS`: texts such as `project.stored=100GB`, between commas."""
    given = (os.environ if environ is None else environ).get("ANEW_SERVER_LIMITS", "")
    return tuple(one.strip() for one in given.split(",") if one.strip())


def server_stores(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Where a group's servers keep contents, from `ANEW_SERVER_BLOBS`, and copies, from `ANEW_SERVER_CACHE`; "" where not set."""
    given = os.environ if environ is None else environ
    return given.get("ANEW_SERVER_BLOBS", "").strip(), given.get("ANEW_SERVER_CACHE", "").strip()


def server_links(environ: Mapping[str, str] | None = None) -> float:
    """Seconds for which a link into a group's bucket can be used, from `ANEW_SERVER_LINKS`; 0 where clients are given none.

    Raises:
        InvalidSetting: It is no number from 1 to 600.
    """
    text = (os.environ if environ is None else environ).get("ANEW_SERVER_LINKS", "").strip()
    if not text:
        return 0.0
    if not text.isdecimal() or not 1 <= int(text) <= 600:
        raise InvalidSetting(
            f"ANEW_SERVER_LINKS is the number of seconds for which a link can be used, from 1 to 600, not {text!r:.40}.",
            setting="ANEW_SERVER_LINKS",
        )
    return float(text)


def alert_sending(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """How alerts are sent: what `ANEW_ALERT_SMTP`, `_FROM`, `_SECRET`, `_PLACES` and `_PRIVATE` hold, by the lower-case end of the name.

    They hold passwords, and say where a server may connect to, so they are no settings: no file of a project is asked.
    """
    given = os.environ if environ is None else environ
    names = ("smtp", "from", "secret", "places", "private")
    return {
        name: text
        for name in names
        if (text := given.get(f"ANEW_ALERT_{name.upper()}", "").strip())
    }


def user_folder(environ: Mapping[str, str] | None = None) -> str:
    """The folder of what this user keeps on this machine: `$XDG_CONFIG_HOME/anew`, by default `~/.config/anew`."""
    environ = os.environ if environ is None else environ
    folder = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(folder, "anew")


def load_settings(environ: Mapping[str, str] | None = None, cwd: str | None = None) -> Settings:
    """Read the settings from the environment and the configuration files.

    Args:
        environ: Stands for `os.environ`.
        cwd: Stands for the working directory.

    Raises:
        InvalidSetting: One has a value it cannot have; the message says where it was set.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    home = os.path.expanduser("~")
    user_file = os.path.join(user_folder(environ), "config.toml")
    here = ""
    try:
        here = os.path.abspath(cwd or os.getcwd())
        project, project_path = _project_file(here)
    except OSError:  # the working directory was deleted
        project, project_path = {}, ""
    project.pop("trust", None)  # a folder cannot say that it is to be trusted
    layers = [(_from_file(user_file, tool_table=False), user_file), (project, project_path)]
    given = {
        setting.name: _parse(setting.name, text, f"the variable {setting.variable}")
        for setting in SETTINGS
        if (text := environ.get(setting.variable)) is not None and text != ""
    }
    layers.append((given, ""))
    server = folder = ""
    for found, path in layers:
        values.update(found)
        for name in found:
            sources[name] = path or _BY_NAME[name].variable
        if "root" in found:
            server = found["root"] if _is_server(found["root"]) else ""
            folder = folder if server else found["root"]
    if server and values.get("local"):
        folder = values["local"]
    if here and not folder:
        folder = _found_root(here, home) or ""
        if folder and os.path.dirname(folder) != here and not server:
            sources["root"] = FOUND
    base = cwd and os.path.abspath(cwd)
    values["root"] = _absolute(folder or _BY_NAME["root"].default, base)
    if values.get("local"):
        values["local"] = _absolute(values["local"], base)
    return Settings(values, sources, server)
