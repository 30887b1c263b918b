"""`mcp`: a server of the Model Context Protocol, for programs that use tools."""

from __future__ import annotations

import click

from .face import Face, shared

__all__ = ["mcp"]


@click.command()
@click.option(
    "--write", is_flag=True, help="Also offer tools that tag, note, describe and correct."
)
@shared(json=False, quiet="Print nothing but errors.")
def mcp(face: Face, write: bool) -> None:
    """Answer questions of an agent, over the Model Context Protocol on standard input and output.

    Its tools list, search, show and compare experiments, read curves and messages, and say where two part and whether their results
    are the same. Nothing can be changed unless --write is given, and of a server nothing that your token does not allow. It needs the
    extra "mcp".

    \\b
    Examples:
      anew mcp
      anew mcp --root https://anew.example.org --write
      claude mcp add anew -- anew mcp --root /data/experiments
    """
    from ..agents.serve import serve_stdio
    from ..store import Store

    with Store(face.root) as store:
        serve_stdio(store, write=write)
