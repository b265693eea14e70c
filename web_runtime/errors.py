"""The error a person at the command line can act on."""


class ToolError(Exception):
    """The command cannot go on; the text says what happened, expected, got and what to do."""
