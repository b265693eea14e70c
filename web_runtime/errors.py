"""The one error of the tool that a person is meant to read."""


class ToolError(Exception):
    """What went wrong, what was expected, and what to do; printed without a traceback."""
