"""`server`: serve a store to other programs and machines."""

from __future__ import annotations

import click

from .face import Face, shared

__all__ = ["server"]


@click.command()
@click.argument("folder", metavar="[ROOT]", required=False)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5700, help="The port; 0 takes a free one."
)
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME",
    help="A name that the server is reached by, such as that of a proxy before it; may repeat.",
)  # fmt: skip
@click.option(
    "--trust-network",
    is_flag=True,
    help="Listen beyond this machine, though whoever reaches the server can read and change everything.",
)
@click.option("--read-only", is_flag=True, help="Let nobody change anything.")
@click.option("--verbose", is_flag=True, help="Print a line for each request.")
@shared(json=False, quiet="Print nothing but the URL.")
def server(
    face: Face,
    folder: str | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    trust_network: bool,
    read_only: bool,
    verbose: bool,
) -> None:
    """Serve a store over HTTP, until Ctrl-C.

    Prints the URL when it is ready; `--root URL` and `Store(URL)` then read from it. The interface is described at
    URL/api/v1/openapi.json.

    \b
    Examples:
      anew server
      anew server /data/runs --port 8000
      anew list --root http://127.0.0.1:5700
    """
    from ..address import local_folder
    from ..errors import MissingDependency
    from ..settings import load_settings

    settings = load_settings()
    where = folder or face.root
    root = local_folder(settings.root if where is None else where)
    try:
        from ..server.running import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
            raise
        raise MissingDependency.of("The server", error.name or "starlette", "server") from None

    def ready(url: str) -> None:
        click.echo(url if face.mode == "quiet" else f"Serving {root} at {url}")

    serve(
        root,
        host=host,
        port=port,
        user=settings.user,
        names=names,
        trust_network=trust_network,
        read_only=read_only,
        verbose=verbose,
        ready=ready,
    )
