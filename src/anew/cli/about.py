"""`completion` and `version`."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

import click

from .face import Face, shared

__all__ = ["completion", "version"]

_STANDS_ON = ("click", "duckdb", "matplotlib", "msgspec", "numpy", "pyarrow", "rich")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in a shell.

    \b
    Examples:
      eval "$(anew completion bash)"                 in ~/.bashrc
      eval "$(anew completion zsh)"                  in ~/.zshrc
      anew completion fish > ~/.config/fish/completions/anew.fish
    """
    from click.shell_completion import get_completion_class

    from .main import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click completes these three"
    # The source is filled in by hand: click's own way starts bash to ask for its version.
    maker = kind(cli, {}, "anew", "_ANEW_COMPLETE")
    print(maker.source_template % maker.source_vars())


@click.command()
@shared(quiet="Print the version number alone.")
def version(face: Face) -> None:
    """Print the versions of Anew and of the packages it uses.

    \b
    Examples:
      anew version
      anew version --json
    """
    ours = importlib.metadata.version("anew")
    below = {}
    for name in _STANDS_ON:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # it comes with an extra
            below[name] = importlib.metadata.version(name)

    def table() -> None:
        face.out.line(f"anew {ours}", "bold")
        face.out.line(f"Python {platform.python_version()} on {platform.platform()}")
        face.out.line(", ".join(f"{name} {number}" for name, number in below.items()))

    face.out.emit(
        {
            "anew": ours,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": below,
        },
        ids=[ours],
        table=table,
    )
