"""The tree of commands. A command's module is imported when the command is used."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import click

from .errors import explain
from .face import Face, shared

__all__ = ["cli", "main"]

# name → module, attribute, what it is for, heading. The text is the first line of the command's help; a test
# holds the two together, so that `anew --help` need not import everything.
_TREE: dict[str, tuple[str, str, str, str]] = {
    "list": ("listing", "list_", "List experiments, newest first; all, or those that a FILTER matches.", "Look"),
    "show": ("show", "show", "Show everything about one experiment.", "Look"),
    "compare": ("compare", "compare", "Compare experiments: results, and the parameters and configuration keys that differ.", "Look"),
    "best": ("listing", "best", "List the experiments with the best value of a metric.", "Look"),
    "ui": ("ui", "ui", "Show experiments in a browser, until Ctrl-C.", "Look"),
    "plot": ("plot", "plot", "Draw metrics in the terminal, or to an image file.", "Look"),
    "badge": ("badge", "badge", "Write a badge: the status of an experiment, a result, a verdict, or the best of a project.", "Look"),
    "history": ("history", "history", "Print metrics side by side: a row for each step, a column for each metric.", "Look"),
    "logs": ("logs", "logs", "Print what an experiment logged or printed.", "Look"),
    "watch": ("watch", "watch", "Watch running experiments.", "Look"),
    "files": ("files", "files", "List the files of an experiment, or save copies of them.", "Look"),
    "open": ("open", "open_", "Show an image, a table, a text or a file of an experiment.", "Look"),
    "alert": ("alert", "alert", "Be told when something happens to experiments.", "Look"),
    "news": ("people", "news", "Show what has changed since you looked last: experiments, comments, alerts, reports, views, aliases of models.", "Look"),
    "tag": ("edit", "tag", "Add and remove tags of experiments.", "Change"),
    "move": ("edit", "move", "File experiments under another prefix.", "Change"),
    "note": ("edit", "note", "Set the notes of experiments.", "Change"),
    "describe": ("edit", "describe", "Set the description of experiments: what they are about, in a line or two.", "Change"),
    "rename": ("edit", "rename", "Change the name of experiments, which is a label: their prefixes and folders stay.", "Change"),
    "hide": ("edit", "hide", "Hide metrics of experiments: lists, filters, charts, frames and exports are without them.", "Change"),
    "edit": ("edit", "edit", "Correct parameters of experiments.", "Change"),
    "undo": ("edit", "undo", "Take back what the last command changed that was run here on this store.", "Change"),
    "comment": ("comment", "comment", "Say something about an experiment, a point of a metric or a report, and read what others said.", "Change"),
    "star": ("people", "star", "Star experiments for oneself, in every browser and on every machine.", "Change"),
    "pin": ("people", "pin", "Pin experiments for everybody who sees their project.", "Change"),
    "preferences": ("people", "preferences", "How you like the page to be, in every browser: theme, columns, units and so on.", "Change"),
    "goal": ("goal", "goal", "Say which values of a metric are better, and which metric is the main one.", "Change"),
    "views": ("views", "views", "Saved views of the page: filters, columns and panels, kept under a name.", "Change"),
    "reports": ("reports", "reports", "Reports: Markdown documents with curves, tables and verdicts of experiments in them.", "Change"),
    "delete": ("remove", "delete", "Put experiments in the trash.", "Change"),
    "restore": ("remove", "restore", "Take experiments out of the trash.", "Change"),
    "forward": ("forward", "forward", "Send experiments, or what has not been sent of them yet, to other trackers.", "Keep"),
    "import": ("importing", "import_", "Bring in what another tracker recorded.", "Keep"),
    "export": ("export", "export", "Export experiments as tables, as one HTML file, or as a zip file.", "Keep"),
    "du": ("upkeep", "du", "Show how much disk space experiments use.", "Keep"),
    "gc": ("upkeep", "gc", "Empty the trash, and remove data that nothing refers to.", "Keep"),
    "doctor": ("upkeep", "doctor", "Check the files on disk for damage.", "Keep"),
    "seal": ("upkeep", "seal", "Convert the points of ended experiments to Parquet now.", "Keep"),
    "rebuild": ("upkeep", "rebuild", "Rebuild the index from the experiments' folders.", "Keep"),
    "server": ("server", "server", "Serve a store over HTTP, until Ctrl-C.", "Share"),
    "mcp": ("mcp", "mcp", "Answer questions of an agent, over the Model Context Protocol on standard input and output.", "Share"),
    "sync": ("sync", "sync", "Push experiments to a server: what was recorded while it could not be reached, or a whole root.", "Share"),
    "login": ("sync", "login", "Keep the token for a server, after asking the server whether it is right.", "Share"),
    "logout": ("sync", "logout", "Remove the token kept for a server.", "Share"),
    "stop": ("stop", "stop", "Stop the programs that record experiments, as Ctrl-C would.", "Share"),
    "models": ("models", "models", "Registered models: versions, aliases, and who promoted what.", "Models"),
    "lineage": ("lineage", "lineage", "Show where something comes from, and what came of it.", "Models"),
    "weights": ("weights", "weights", "Versions of model weights.", "Weights"),
    "run": ("run", "run", "Run a program as an experiment.", "Run again"),
    "sweep": ("sweep", "sweep", "Make a sweep of a file, and print its id, which `anew agent` takes.", "Run again"),
    "agent": ("sweep", "agent", "Run trials of a sweep, one after the other, until none is left.", "Run again"),
    "reproduce": ("reproduce", "reproduce", "Run an experiment again and compare.", "Run again"),
    "diff": ("diff", "diff", "Show where two experiments differ.", "Run again"),
    "check": ("check", "check", "Fail if experiments are not what they are held against.", "Run again"),
    "completion": ("about", "completion", "Print the script that completes commands in a shell.", "About"),
    "version": ("about", "version", "Print the versions of Anew and of the packages it uses.", "About"),
}  # fmt: skip

# What people type who come from the shell → the command.
_ALIASES = {"ls": "list", "rm": "delete", "tail": "logs"}

# What is typed by habit, and what does it here.
_ELSEWHERE = {
    "copy": "`cp -r` for the experiment's folder, which `anew show EXPERIMENT -q` prints, into another store",
    "cp": "`cp -r` for the experiment's folder, which `anew show EXPERIMENT -q` prints, into another store",
    "init": "nothing: the first experiment makes the store",
    "mv": "`anew move EXPERIMENT PREFIX`",
    "search": "`anew list FILTER`",
    "trash": "`anew restore --list`",
}


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name, each loaded when it is asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, attribute, _, _ = _TREE[name]
            if not _present(module):
                raise KeyError(name)
            self._loaded[name] = getattr(import_module(f"{__package__}.{module}"), attribute)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from (name for name, row in _TREE.items() if _present(row[0]))
        yield from (name for name in self._loaded if name not in _TREE)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)


def _present(module: str) -> bool:
    return find_spec(f"{__package__}.{module}") is not None


class Tree(click.Group):
    """A group whose commands load late, and the one way out: errors become sentences and exit codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands = _Commands()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(_ALIASES.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name in _ALIASES:
            return name, self.commands[_ALIASES[name]], args[1:]
        if name and not name.startswith("-") and name not in self.commands:
            import difflib

            near = difflib.get_close_matches(name, [*self.commands, *_ALIASES], 1)
            hint = f" Did you mean {near[0]!r}?" if near else " `anew --help` lists them."
            if name in _ELSEWHERE:
                hint = f" Use {_ELSEWHERE[name]}."
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for name in self.commands:
            _, _, text, heading = _TREE.get(name, ("", "", "", "More"))
            also = [alias for alias, command in _ALIASES.items() if command == name]
            headings.setdefault(heading, []).append((", ".join([name, *also]), text))
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def main(  # type: ignore[override]  # click overloads it by standalone_mode
        self, args: Any = None, *, standalone_mode: bool = True, **extra: Any
    ) -> Any:
        """Run a command and leave: every error comes out as a sentence and an exit code."""
        face = extra.setdefault("obj", Face())
        extra.setdefault("prog_name", "anew")
        _survive_encodings()
        try:
            result = super().main(args, standalone_mode=False, **extra)
            sys.stdout.flush()
            code = result if isinstance(result, int) else 0
        except BaseException as error:
            if not standalone_mode:
                raise
            code = _leave(error, face)
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would exit with 1, as if something had gone wrong.
            raise _ReaderLeft from error


class _ReaderLeft(Exception):
    """Whoever read our output has stopped reading."""


def _survive_encodings() -> None:
    """Let characters that a stream cannot encode be escaped rather than fatal."""
    # A stream that was closed before the start (`>&-`) is None, which nothing expects.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  (open until the process ends)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave(error: BaseException, face: Face) -> int:
    """Tell about an error and return the exit code."""
    _give_up_output()
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return 130
    if isinstance(error, _ReaderLeft | BrokenPipeError):
        return 141
    if isinstance(error, click.ClickException):
        if face.mode == "json":
            _as_json(error, error.exit_code, error.format_message(), "")
        else:
            error.show()
        return error.exit_code
    explained = explain(error)
    if explained is None:
        raise error
    if face.mode == "json":
        _as_json(error, explained.code, explained.message, explained.hint)
    else:
        _show(explained.message, explained.hint, face)
    return explained.code


def _give_up_output() -> None:
    """What is buffered for a pipe that closed or a disk that is full: Python would fail on it at exit again."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(message: str, hint: str, face: Face) -> None:
    from .words import printable

    if not sys.stderr.isatty():
        print(
            f"error: {printable(message)}",
            *([printable(hint)] if hint else []),
            sep="\n",
            file=sys.stderr,
        )
        return
    from rich.text import Text

    console = face.out.console(stderr=True)
    console.print(Text("error: ", "bold red") + Text(printable(message), ""))
    if hint:
        console.print(Text(printable(hint), "dim"))


def _as_json(error: BaseException, code: int, message: str, hint: str) -> None:
    from .output import as_json, as_line

    facts = {
        name: as_json(getattr(error, name))
        for name in ("nearest", "candidates", "position", "suggestion", "path", "line", "why")
        if getattr(error, name, None) not in (None, (), "")
    }
    document = {
        "error": {
            "kind": type(error).__name__,
            "message": message,
            "hint": hint or None,
            "exit_code": code,
            **facts,
        }
    }
    print(as_line(document), file=sys.stderr)


@click.group(
    "anew",
    cls=Tree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.version_option(package_name="anew", prog_name="anew")
@shared()
def cli(face: Face) -> None:
    """Look at experiments, compare them, and look after what they recorded.

    An EXPERIMENT is named by its id, by the first few characters of its id, or by its prefix.

    \b
    Examples:
      anew list                                  the newest experiments
      anew list 'metrics.val_loss.min < 0.5'     those that match a filter
      anew show k7f3                             everything about one
      anew compare k7f3 p2m8 alice/vision/vae    side by side
      anew plot k7f3 p2m8 val_loss               curves in the terminal
      anew plot k7f3 p2m8 val_loss -o loss.png   or as an image
      anew watch                                 what is running now

    \b
    Exit codes:
      0 done (also: an empty list)     4 several experiments match
      1 an error outside of Anew       5 refused: still running, or needs --yes
      2 wrong usage                    6 damaged data
      3 not found                      130 interrupted
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; exits with one of the codes in `anew.cli.errors`."""
    cli.main(None if argv is None else list(argv))
    raise AssertionError("unreachable: the tree always exits")
