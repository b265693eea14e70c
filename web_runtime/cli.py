"""`web-runtime`: arguments and messages only; each command calls one function.

The commands import what they need themselves: `vendor` prepares what the others stand on.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .commands.bundles import DIST, keys_app, pack_command
from .commands.data import inspect_command, replay_command
from .commands.models import optimize_command, seal_model_command
from .commands.tasks import check_command, new, run_command
from .commands.terminal import PlainErrors, check_folder, console
from .errors import ToolError


class Csp(StrEnum):
    """Content security policies that `serve` can send."""

    strict = "strict"
    off = "off"
    none_wasm = "none-wasm"


main = typer.Typer(
    cls=PlainErrors,
    help="Fetch the parts, build the runtime, serve it; write, check, run and pack tasks; optimize "
    "models, inspect data, replay traces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@main.command("vendor")
def vendor_command() -> None:
    """Verify the npm packages, fetch Pyodide's packages, unpack the browser of the tests.

    Ends with code 1 only if a part is missing without which nothing works.
    """
    from .vendor import vendor

    if any(part.required for part in vendor(console())):
        raise typer.Exit(1)


@main.command("build")
def build_command() -> None:
    """Build what a page loads into web_runtime/dist."""
    from .build import build_all

    build_all(console())


@main.command("serve")
def serve_command(
    site: Annotated[Path, typer.Argument(help="Folder served at /.")],
    runtime: Annotated[Path, typer.Option(help="A built runtime.")] = DIST,
    mount: Annotated[str, typer.Option(help="Path the runtime is served at.")] = "/edge",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Cross-origin isolation: WASM threads.")
    ] = False,
    csp: Annotated[Csp, typer.Option(help="Content security policy.")] = Csp.strict,
    cors: Annotated[
        bool, typer.Option("--cors", help="Let pages of other origins use the files.")
    ] = False,
) -> None:
    """Serve a site with the runtime beside it, until interrupted."""
    from .serve import create_app, run

    check_folder(site, "site", "Build the site first; for the demo shop: `make serve`.")
    check_folder(runtime, "--runtime", "Run `web-runtime build`.")
    if not mount.startswith("/") or mount.endswith("/"):
        raise ToolError(f"--mount: expected a path such as /edge, got {mount!r}.")
    app = create_app(site, runtime, mount=mount, isolated=isolated, csp=csp.value, shared=cors)
    run(app, host=host, port=port, notes=[f"serving {site} at http://{host}:{port}"])


main.command("pack")(pack_command)
main.add_typer(keys_app, name="keys")


main.add_typer(new, name="new")
main.command("check")(check_command)
main.command("run")(run_command)
main.command("optimize")(optimize_command)
main.command("seal-model")(seal_model_command)
main.command("inspect")(inspect_command)
main.command("replay")(replay_command)
