"""What must not wait behind everything else: a mark that an asyncio task carries through its turns.

A loop that knows of it (``host/browser/turns``) runs the callbacks of marked tasks first; others
take no notice.
"""

from contextvars import Context, ContextVar, copy_context
from typing import Final

_URGENT: Final[ContextVar[bool]] = ContextVar("edge_urgent", default=False)


def context_of(*, is_urgent: bool) -> Context:
    """Return the context for a task; what it starts without one of its own inherits the mark."""
    context = copy_context()
    context.run(_URGENT.set, is_urgent)
    return context


def is_urgent(context: Context) -> bool:
    """Say whether what runs in ``context`` goes first."""
    return context.get(_URGENT, False)
