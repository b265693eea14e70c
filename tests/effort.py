"""How long property tests and state machines try: ``EFFORT`` times as many examples."""

import os
from typing import Final

EFFORT: Final = int(os.environ.get("EFFORT", "1"))


def examples(count: int) -> int:
    """Return how many examples a test tries that tries ``count`` by default."""
    return count * EFFORT
