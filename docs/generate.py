"""The generated reference: API, command line, settings and errors, written from the code itself.

`python docs/generate.py FOLDER` writes the pages as Markdown; the site's configuration calls the same function.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import msgspec

import anew
from anew import errors, settings
from anew.analysis.comparing import Comparison, Sample
from anew.tracking.params import Params
from anew.tracking.run import Run

# Rooms that no public name leads into, and that need what they plug into.
OUTSIDE = ("anew.dialects.", "anew.integrations.", "anew.testing.", "anew.trackers.")
DIRECTIVE = "```{{eval-rst}}\n.. auto{kind}:: {target}\n{options}```\n"
# Which room's public names are listed under which title, in the order of a life with experiments.
ROOMS = {
    "Writing": ("tracking", "session", "autolog", "naming", "run_info", "record", "settings"),
    "Values": ("values",),
    "Reading": ("store", "reading", "query", "index", "forwarding", "forwarders"),
    "Running again": ("provenance", "reproduce"),
}
# Packages whose own public names are public too: users import from them.
# Handles that are plain attributes, which no annotation of a method leads to.
HELD = {"Experiment": (Params, Run), "GroupComparison": (Comparison,), "Comparison": (Sample,)}
PACKAGES = {
    "Charts": "anew.plots",
    "One HTML file": "anew.html_file",
    "Reports as files": "anew.printing",
    "Weights": "anew.weights",
    "Forwarding": "anew.forwarders",
}


def summary(thing: object) -> str:
    """The first sentence line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def public() -> dict[str, object]:
    """Everything in `anew.__all__` but the errors, which have a page of their own."""
    found = {name: getattr(anew, name) for name in anew.__all__ if not name.startswith("__")}
    return {name: thing for name, thing in found.items() if name not in errors.__all__}


def of_package(name: str) -> dict[str, object]:
    """The public names of one of the `PACKAGES`."""
    package = importlib.import_module(name)
    return {each: getattr(package, each) for each in sorted(package.__all__)}


def integrations() -> dict[str, list[str]]:
    """The integrations that the guide names, each with its public names.

    The names are read from the source: importing twelve frameworks takes ten seconds.
    """
    guide = (Path(__file__).parent / "guides" / "integrations.md").read_text()
    found = {}
    for module in sorted(set(re.findall(r"anew\.integrations\.([a-z_]+)", guide))):
        source = Path(anew.__path__[0], "integrations", f"{module}.py").read_text()
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[module] = list(ast.literal_eval(node.value))
    return found


def integrations_page() -> str:
    """Every integration with what it offers; what a class has from its framework is told there."""
    body = [
        "# Integrations",
        "",
        "See [Use it with your framework](../../guides/integrations.md).",
        "",
    ]
    for module, names in integrations().items():
        body += [f"## anew.integrations.{module}", ""]
        for name in names:
            kind = "class" if name[0].isupper() else "function"
            options = "   :members:\n" if kind == "class" else ""
            target = f"anew.integrations.{module}.{name}"
            body += [DIRECTIVE.format(kind=kind, target=target, options=options)]
    return "\n".join(body)


def handed_out(start: Iterable[object]) -> dict[str, type]:
    """The classes that public calls and properties return and that have no public name themselves."""
    named = {thing for thing in public().values() if inspect.isclass(thing)}
    waiting = list(start)
    found: dict[str, type] = {}
    while waiting:
        thing = waiting.pop()
        itself = [] if inspect.isclass(thing) or inspect.isfunction(thing) else ours(type(thing))
        for candidate in [*itself, *returned(thing)]:
            if candidate in named or candidate.__name__ in found or is_error(candidate):
                continue
            found[candidate.__name__] = candidate
            waiting.append(candidate)
    return dict(sorted(found.items()))


def is_error(thing: object) -> bool:
    """Whether a thing is one of our errors."""
    return inspect.isclass(thing) and issubclass(thing, errors.AnewError)


def returned(thing: object) -> Iterator[type]:
    """Our public classes in the return types of a function, or of a class's public methods."""
    calls: list[object] = [thing]
    if inspect.isclass(thing):
        yield from HELD.get(thing.__name__, ())
        walked = ("__getitem__", "__iter__")
        members = [m for name, m in vars(thing).items() if name in walked or name[0] != "_"]
        calls = [getattr(m, "fget", None) or getattr(m, "func", None) or m for m in members]
    for call in calls:
        if callable(call) and not inspect.isclass(call):
            yield from ours(resolved_return(inspect.unwrap(call)))


def resolved_return(call: Callable[..., object]) -> object:
    """The return annotation of a function, looked up in its module and the ones it imports for types."""
    text = getattr(call, "__annotations__", {}).get("return")
    module = importlib.import_module(call.__module__)
    if not isinstance(text, str):
        return text
    names = {**everything(), **vars(typing)}
    try:
        return eval(text, {**names, **vars(module)})  # noqa: S307  (our own annotations, at build time)
    except NameError:  # pandas, pyarrow …: imported for types only
        return None


@functools.cache
def everything() -> dict[str, type]:
    """Every class of the package by its name: annotations name classes imported for types only."""
    found: dict[str, type] = {}
    for name in modules(anew.__path__, "anew."):
        classes = inspect.getmembers(importlib.import_module(name), inspect.isclass)
        found.update({cls.__name__: cls for _, cls in classes if cls.__module__ == name})
    return found


def modules(paths: Iterable[str], prefix: str) -> Iterator[str]:
    """The modules of the rooms that public names lead into; importing those of the trackers takes a minute."""
    for module in pkgutil.iter_modules(paths, prefix):
        if f"{module.name}.".startswith(OUTSIDE) or module.name.endswith("__main__"):
            continue
        yield module.name
        if module.ispkg:
            yield from modules(importlib.import_module(module.name).__path__, f"{module.name}.")


def ours(annotation: object) -> Iterator[type]:
    """The classes of this package in an annotation, its arguments included."""
    here = inspect.isclass(annotation) and annotation.__module__.startswith("anew.")
    if here and not annotation.__name__.startswith("_"):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from ours(argument)


def directive(target: str, thing: object) -> str:
    """The autodoc directive for a public thing."""
    if is_error(thing):
        return DIRECTIVE.format(kind="exception", target=target, options="   :show-inheritance:\n")
    if inspect.isclass(thing):
        options = "   :members:\n   :inherited-members: object, str, Exception\n"
        return DIRECTIVE.format(kind="class", target=target, options=options)
    if inspect.isfunction(thing):
        return DIRECTIVE.format(kind="function", target=target, options="")
    return DIRECTIVE.format(kind="data", target=target, options="")


def room_of(thing: object) -> str:
    """The room of the package that a thing was made in."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module.split(".")[1] if module.startswith("anew.") else ""


def api_pages() -> dict[str, str]:
    """An index of the public names and a page for each group of them."""
    names = public()
    index = ["# Python", "", "`from anew import …` gives these names, and no others.", ""]
    pages: dict[str, str] = {}
    listed: set[str] = set()
    for title, rooms in ROOMS.items():
        group = {n: t for n, t in names.items() if room_of(t) in rooms and n not in listed}
        if not group:
            continue
        listed |= set(group)
        slug = title.lower().replace(" ", "-")
        handed = handed_out(group.values())
        handed = {n: t for n, t in handed.items() if room_of(t) in rooms}
        index += [f"## {title}", "", "| name | what it is for |", "|---|---|"]
        index += [
            f"| [`{n}`](api-{slug}.md#{n.lower()}) | {summary(t)} |" for n, t in group.items()
        ]
        index += [""]
        body = [f"# {title}", ""]
        for name, thing in group.items():
            body += [f"## {name}", "", directive(f"anew.{name}", thing)]
        if handed:
            body += ["## What these hand out", ""]
            for name, cls in handed.items():
                body += [f"### {name}", "", directive(f"{cls.__module__}.{name}", cls)]
        pages[f"api-{slug}.md"] = "\n".join(body)
    for title, package in PACKAGES.items():
        group = of_package(package)
        slug = title.lower().replace(" ", "-")
        index += [
            f"## {title}",
            "",
            f"From `{package}`.",
            "",
            "| name | what it is for |",
            "|---|---|",
        ]
        index += [
            f"| [`{n}`](api-{slug}.md#{n.lower()}) | {summary(t)} |" for n, t in group.items()
        ]
        index += [""]
        body = [f"# {title}", "", f"From `{package}`.", ""]
        for name, thing in group.items():
            body += [f"## {name}", "", directive(f"{package}.{name}", thing)]
        pages[f"api-{slug}.md"] = "\n".join(body)
    pages["api-integrations.md"] = integrations_page()
    index += ["## Integrations", "", "| from | names |", "|---|---|"]
    index += [
        f"| `anew.integrations.{module}` | {', '.join(f'`{n}`' for n in each)} |"
        for module, each in integrations().items()
    ]
    index += [""]
    missing = sorted(set(names) - listed)
    if missing:
        raise SystemExit(f"public names in no group of docs/generate.py: {', '.join(missing)}")
    index += ["```{toctree}", ":hidden:", "", *(name[:-3] for name in pages), "```", ""]
    return {"api.md": "\n".join(index), **pages}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """`(full name, command)` of a command and everything below it, hidden ones left out."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, f"{path} {name}")


def cli_page() -> str:
    """Every command with its arguments and options, from the tree that the program itself runs."""
    from anew.cli.main import cli

    lines = ["# Command line", "", "`python -m anew` is the same program.", ""]
    for path, command in commands(cli, "anew"):
        lines += [f"## {path}" if " " in path else "## anew, the options of every command", ""]
        context = click.Context(command, info_name=path)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["```text", f"{path} {usage}".strip(), "```", "", prose(command.help), ""]
        options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
        options = [option for option in options if not option.hidden and option.name != "help"]
        if options:
            lines += ["| option | meaning |", "|---|---|"]
            lines += [f"| {spelling(option)} | {meaning(option, context)} |" for option in options]
            lines += [""]
    return "\n".join(lines)


def prose(text: str | None) -> str:
    """A command's help as Markdown: its `\\b` blocks, which keep their lines, become code."""
    paragraphs = inspect.cleandoc(text or "").partition("\f")[0].split("\n\n")
    return "\n\n".join(
        f"```text\n{p.lstrip(chr(8)).strip(chr(10))}\n```" if p.startswith("\b") else coded(p)
        for p in paragraphs
    )


def coded(text: str) -> str:
    """A help text with the options it names as code, so that no dash is made prettier."""
    return re.sub(r"(?<![\w`-])--?[a-z][a-z-]*", lambda found: f"`{found[0]}`", text)


def spelling(option: click.Option) -> str:
    """An option's spellings and what it takes."""
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    kind = option.type
    named = kind.name.upper().removesuffix(" RANGE")
    takes = "\\|".join(kind.choices) if isinstance(kind, click.Choice) else named
    return f"{names} {option.metavar or takes}"


def meaning(option: click.Option, context: click.Context) -> str:
    """An option's help and its default, safe for a table cell."""
    help_text = coded(option.help or "").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
    default = option.get_default(context)
    shown = default not in (None, False, (), "", True) and not callable(default)
    shown = shown and "UNSET" not in repr(default).upper()
    if isinstance(default, tuple):
        default = ", ".join(map(str, default))
    return f"{help_text} Default: `{default}`." if shown else help_text


def settings_page() -> str:
    """Every setting, its variable and its default."""
    lines = ["# Settings", "", (inspect.getdoc(settings) or "").partition("\n\n")[2], ""]
    for setting in settings.SETTINGS:
        default = "not set" if setting.default in ("", ()) else f"`{str(setting.default).lower()}`"
        if isinstance(setting.default, str) and setting.default:
            default = f"`{setting.default}`"
        lines += [
            *(f"## {setting.name}", "", setting.meaning, ""),
            *("| variable | in a file | default |", "|---|---|---|"),
            *(f"| `{setting.variable}` | `{setting.name}` | {default} |", ""),
        ]
    return "\n".join(lines)


def errors_page() -> str:
    """Every error, in the order of the tree."""
    tree, _, rest = (inspect.getdoc(errors) or "").partition("\n\n")[2].partition("\n\n")
    lines = ["# Errors", "", *("```text", inspect.cleandoc(tree), "```"), "", rest, ""]
    ordered = sorted(
        errors.__all__, key=lambda name: inspect.getsourcelines(getattr(errors, name))[1]
    )
    for name in ordered:
        lines += [f"## {name}", "", directive(f"anew.errors.{name}", getattr(errors, name))]
    return "\n".join(lines)


def http_page() -> str:
    """Every route of the server, from its table."""
    from anew.server.table import ROUTES

    lines = [
        "# HTTP",
        "",
        "The routes of `anew server`. `GET /api/v1/openapi.json` of a running server describes them for programs, with the schemas of "
        "all questions and answers. The fields of a question come from the path, and from the query of a GET (a field of several values is "
        "given several times) or the body of a POST. The routes below `/api/v1/ask` take and give what `Store` itself sends.",
        "",
    ]
    for route in ROUTES:
        if route.foreign:  # the client of another tracker knows them
            continue
        lines += [f"## {route.method} {route.path.replace(':path}', '}')}", "", route.summary, ""]
        fields = msgspec.structs.fields(route.question)
        if fields and "/ask/" not in route.path:
            lines += ["| field | default |", "|---|---|"]
            for field in fields:
                default = "required"
                if not field.required:
                    value = field.default
                    if value is msgspec.NODEFAULT:
                        value = field.default_factory()
                    default = f"`{msgspec.json.encode(value).decode()}`"
                lines.append(f"| `{field.name}` | {default} |")
            lines.append("")
        told = inspect.cleandoc(route.question.__doc__ or "")
        if fields and "/ask/" not in route.path and "Attributes:" in told:
            for name, text in re.findall(
                r"^    (\w+): (.*(?:\n     .*)*)", told.partition("Attributes:")[2], re.M
            ):
                lines.append(f"- `{name}`: {' '.join(text.split())}")
            lines.append("")
        role = route.role.name.lower()
        media = (
            f"`{route.media}`"
            if route.media
            else "JSON or MessagePack" + (", or raw columns" if route.arrays else "")
        )
        lines += [f"Answers with {media}. Needs the role {role}.", ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """The text of every generated page, by its file name."""
    return {
        **api_pages(),
        "cli.md": cli_page(),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "http.md": http_page(),
    }


def write_all(folder: Path) -> None:
    """Write every page into `folder`, touching only those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        path = folder / name
        text = text.rstrip("\n") + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
