"""When breakers open, how long they stay open, and what closes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import schema


@dataclass(frozen=True, slots=True)
class BreakerConfig:
    """Shares are of the calls in the window, in (0, 1]; ``slow_ms`` None: no call is slow.

    ``forced_open``: tasks and models as ``model@backend`` that are not called at all.
    """

    min_calls: int = 10
    failure_share: float = 0.5
    slow_ms: float | None = None
    slow_share: float = 0.8
    window_ms: float = 60_000
    open_ms: float = 5_000
    max_open_ms: float = 300_000
    half_open_calls: int = 3
    forced_open: tuple[str, ...] = ()


def parse_breaker(plain: Mapping[str, Any]) -> BreakerConfig:
    """Return the settings of ``scheduler.breaker``, whose shape the schema has checked.

    Raises:
        ConfigError: ``config-invalid``: a longest open time below the first one.
    """
    default = BreakerConfig()
    breaker = BreakerConfig(
        min_calls=int(plain.get("minCalls", default.min_calls)),
        failure_share=plain.get("failureShare", default.failure_share),
        slow_ms=plain.get("slowMs", default.slow_ms),
        slow_share=plain.get("slowShare", default.slow_share),
        window_ms=plain.get("windowMs", default.window_ms),
        open_ms=plain.get("openMs", default.open_ms),
        max_open_ms=plain.get("maxOpenMs", default.max_open_ms),
        half_open_calls=int(plain.get("halfOpenCalls", default.half_open_calls)),
        forced_open=tuple(plain.get("forcedOpen", default.forced_open)),
    )
    if breaker.max_open_ms < breaker.open_ms:
        raise schema.invalid(
            "config",
            "scheduler.breaker.maxOpenMs",
            f"at least openMs ({breaker.open_ms:g})",
            breaker.max_open_ms,
            "Raise it, or lower openMs.",
        )
    return breaker
