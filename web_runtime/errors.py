"""Errors a person at the command line can act on."""


class ToolError(Exception):
    """The command cannot go on; the text says what happened, expected, got and what to do.

    Attributes:
        exit_code: How the command ends.
    """

    exit_code = 1


class NotInstalled(ToolError):
    """A command needs packages of an extra."""

    def __init__(self, command: str, packages: str, extra: str, error: ModuleNotFoundError) -> None:
        super().__init__(
            f"{command}: expected {packages}, got no {error.name}. "
            f"Run `pip install 'edge-web-runtime[{extra}]'`."
        )


class NoDump(ToolError):
    """There is nothing to inspect; code 1 says that damage was found."""

    exit_code = 2
