"""`server`: serve a store to other programs and machines, and say who may use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .server_accounts import root_of
from .server_audit import audit
from .server_group import group_of, on_group
from .server_shares import share
from .server_tokens import token
from .server_upkeep import COMMANDS as UPKEEP
from .server_users import user

if TYPE_CHECKING:
    from ..server.identity.oidc import Provider
    from ..server.limits import Limits

__all__ = ["server"]


_COMMANDS = {"audit": audit, "share": share, "token": token, "user": user, **UPKEEP}
_OF_THE_SERVER = ("starlette", "uvicorn", "anyio")


class _Server(click.Group):
    """A command of its own that also has commands: what is not one of them is the folder to serve, or whose accounts they are about."""

    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        valued = {text for one in self.params if isinstance(one, click.Option) and not one.is_flag for text in one.opts}  # fmt: skip
        names = (
            at
            for at, one in enumerate(args)
            if one in self.commands and not (at and args[at - 1] in valued)
        )
        at = next(names, len(args))
        click.Command.parse_args(self, ctx, args[:at])
        ctx.args += args[at:]
        return ctx.args

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx.args:
            return click.Command.invoke(self, ctx)
        folder = ctx.params["folder"]
        for one in self.params:
            if one.name != "folder" and one.expose_value and _is_given(ctx, one):
                raise click.UsageError(f"{one.opts[0]} is for serving; no command takes it there.")
        if folder is not None:
            ctx.ensure_object(Face).root = folder
        name, command, args = self.resolve_command(ctx, ctx.args)
        assert command is not None
        with command.make_context(name, args, parent=ctx) as below:
            return below.command.invoke(below)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*click.Command.collect_usage_pieces(self, ctx), "| COMMAND [ARGS]..."]


def _is_given(ctx: click.Context, parameter: click.Parameter) -> bool:
    source = ctx.get_parameter_source(parameter.name or "")
    return source is click.core.ParameterSource.COMMANDLINE


@click.group(cls=_Server, invoke_without_command=True, commands=_COMMANDS)
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
    help="Listen beyond this machine also while there are no accounts, so that whoever reaches the server can read and change everything.",
)
@click.option("--read-only", is_flag=True, help="Let nobody change anything.")
@click.option(
    "--url", metavar="URL", help="The address that people reach the server by, such as that of a proxy; sign-on needs it."
)  # fmt: skip
@click.option("--oidc-issuer", metavar="URL", help="Let people sign on at this OpenID Connect provider.")  # fmt: skip
@click.option(
    "--oidc-client", metavar="ID", help="What the provider calls this server; its secret is taken from ANEW_OIDC_SECRET."
)  # fmt: skip
@click.option(
    "--limit", "limits", multiple=True, metavar="NAME=N",
    help="How much may be had, such as project.stored=100GB or token.requests=500; may repeat. Also from ANEW_SERVER_LIMITS, with commas between them.",
)  # fmt: skip
@click.option("--verbose", is_flag=True, help="Print a line for each request.")
@on_group
@shared(json=False, quiet="Print nothing but the URL.")
def server(
    face: Face,
    folder: str | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    trust_network: bool,
    read_only: bool,
    url: str | None,
    oidc_issuer: str | None,
    oidc_client: str | None,
    limits: tuple[str, ...],
    verbose: bool,
    catalog: str | None,
    blobs: str | None,
    cache: str | None,
    series: str | None,
) -> None:
    """Serve a store over HTTP, until Ctrl-C.

    Prints the URL when it is ready; `--root URL` and `Store(URL)` then read from it. The interface is described at
    URL/api/v1/openapi.json.

    As long as nobody has an account, the server listens on this machine alone, and prints a link that makes the first account when
    it is opened. From then on everybody needs an account or a token.

    With --catalog and --blobs, any number of servers serve the stores of a group: a PostgreSQL database and a bucket. None of them
    keeps anything but copies of what it reads. Credentials of the bucket are taken from the environment. With --series, the points are
    in a ClickHouse server, for many experiments with many points.

    \b
    Examples:
      anew server
      anew server /data/runs --port 8000
      anew list --root http://127.0.0.1:5700
      anew server --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
      anew server user add alice --role writer --project 'lab/*'
      anew server token create cluster --role writer --expires 90d
      anew server share create lab/vision --expires 30d
      anew server --limit project.stored=500GB --limit project.requests=2000
    """
    from ..settings import load_settings

    if (oidc_issuer is None) != (oidc_client is None) or (oidc_issuer and url is None):
        raise click.UsageError("Sign-on needs --oidc-issuer, --oidc-client and --url.")
    settings, group = load_settings(), group_of(face, folder, catalog, blobs, cache, series)
    root = group or root_of(face, folder)
    serve = _serving()
    provider = _provider(oidc_issuer, oidc_client, url)
    serve(
        root,
        host=host,
        port=port,
        user=settings.user,
        names=names if provider is None else (*names, _name_in(url)),
        trust_network=trust_network,
        read_only=read_only,
        verbose=verbose,
        provider=provider,
        limits=_limits(limits),
        ready=lambda at, link: _tell(face, root if isinstance(root, str) else root.shown, at, link),
    )


def _limits(given: tuple[str, ...]) -> Limits:
    """How much may be had: what the command line says counts before the environment.

    Raises:
        InvalidSetting: There is no such limit.
    """
    from ..server.limits import Limits
    from ..settings import server_limits

    return Limits.of((*server_limits(), *given))


def _serving() -> Callable[..., None]:
    """What serves.

    Raises:
        MissingDependency: The extra for the server is not installed.
    """
    from ..errors import MissingDependency

    try:
        from ..server.running import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_SERVER:
            raise
        raise MissingDependency.of("The server", error.name or "starlette", "server") from None
    return serve


def _provider(issuer: str | None, client: str | None, url: str | None) -> Provider | None:
    """Who vouches for people, if somebody is to."""
    if issuer is None or client is None or url is None:
        return None
    from ..server.identity.oidc import Provider
    from ..settings import sign_on_secret

    return Provider(issuer, client, sign_on_secret(), url)


def _name_in(url: str | None) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url or "").hostname or ""


def _tell(face: Face, root: str, url: str, link: str | None) -> None:
    """Say that requests are answered, and where."""
    if face.mode == "quiet":
        click.echo(url)
        return
    click.echo(f"Serving {root} at {url}")
    if link is not None:
        click.echo(f"Nobody has an account yet. This link makes the first one, once: {link}")
