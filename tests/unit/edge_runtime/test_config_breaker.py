"""The settings of breakers: defaults, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.errors import ConfigError
from edge_runtime.pure.breaker import WINDOW_CALLS

SCHEMA = Path(__file__).parents[3] / "py" / "edge_runtime" / "schemas" / "config.schema.json"
PROPERTIES = json.loads(SCHEMA.read_text())["definitions"]["breaker"]["properties"]


def parsed(**breaker: Any) -> BreakerConfig:
    return parse_config({"scheduler": {"breaker": breaker}}).scheduler.breaker


def test_the_schema_tells_the_defaults_that_hold() -> None:
    told = {name: each["default"] for name, each in PROPERTIES.items() if "default" in each}

    assert parsed(**told) == parsed() == BreakerConfig()


def test_every_setting_is_read() -> None:
    values = (4, 0.25, 50, 0.5, 1_000, 100, 700, ["Rank", "ranker@wasm"], 2)
    given = dict(zip(PROPERTIES, values, strict=True))

    forced = ("Rank", "ranker@wasm")
    assert parsed(**given) == BreakerConfig(4, 0.25, 50, 0.5, 1_000, 100, 700, 2, forced)


def test_a_longest_open_time_below_the_first_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"maxOpenMs: expected at least openMs \(5000\), got 100"):
        parsed(maxOpenMs=100)


@pytest.mark.parametrize(
    ("name", "value"),
    [("minCalls", 0), ("failureShare", 0), ("slowShare", 1.1), ("slowMs", 0), ("halfOpenCalls", 0)],
)
def test_what_could_never_open_or_close_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"scheduler.breaker.{name}: expected a number"):
        parsed(**{name: value})


def test_no_more_calls_are_asked_for_than_are_kept() -> None:
    assert PROPERTIES["minCalls"]["maximum"] == WINDOW_CALLS
