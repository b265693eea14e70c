"""What a site configures, every limit and default, and the parser that refuses mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from . import schema
from .config_breaker import BreakerConfig, parse_breaker
from .config_container import ContainerConfig, TrustConfig, parse_container, parse_trust
from .config_models import InferenceConfig, ModelConfig, Variant, parse_inference, parse_model
from .config_triggers import Trigger, parse_trigger
from .types import Priority

__all__ = [
    "Config",
    "ContainerConfig",
    "DataConfig",
    "EventsRule",
    "KeyRule",
    "LIMITS",
    "Limits",
    "ModelConfig",
    "SchedulerConfig",
    "TrustConfig",
    "Variant",
    "parse_config",
    "warm",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that no configuration changes; tests pass smaller ones."""

    commit_window_ms: float = 50
    commit_ops: int = 1_000
    commit_chars: int = 2 * 2**20
    commit_retry_ms: float = 1_000
    backlog_chars: int = 64 * 2**20
    batch_bytes: int = 32 * 2**20
    segment_bytes: int = 64 * 2**20
    piece_bytes: int = 1 * 2**20
    checkpoint_log_bytes: int = 1 * 2**20
    checkpoint_segments: int = 512
    checkpoint_rows: int = 5_000
    keeper_ms: float = 1_000
    clean_ms: float = 60_000
    slice_rows: int = 500
    memory_retry_ms: float = 5_000
    read_batch: int = 64
    key_chars: int = 512
    value_bytes: int = 1 * 2**20
    event_text_chars: int = 256
    event_props_bytes: int = 16 * 2**10
    watched_events: int = 5_000
    query_rows: int = 10_000
    query_bytes: int = 16 * 2**20
    query_ms: float = 1_000
    bundle_packed_bytes: int = 8 * 2**20
    bundle_unpacked_bytes: int = 32 * 2**20
    bundle_files: int = 256
    package_bytes: int = 32 * 2**20
    model_bytes: int = 512 * 2**20
    config_bytes: int = 4 * 2**20
    fetch_timeout_ms: float = 30_000
    image_bytes: int = 32 * 2**20
    task_timeout_ms: float = 5_000
    task_timeout_max_ms: float = 600_000
    result_bytes: int = 1 * 2**20


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class EventsRule:
    """How events are kept: sealed or plain, for how many days, how many, how many bytes of text."""

    encrypted: bool = True
    max_age_days: float = 30
    max_rows: int = 100_000
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class KeyRule:
    """How keys beginning with ``prefix`` are kept; None means without that limit."""

    prefix: str
    encrypted: bool = True
    max_age_days: float | None = None
    max_rows: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Rules of the store; of several key rules the longest matching prefix decides."""

    events: EventsRule = EventsRule()
    keys: tuple[KeyRule, ...] = ()


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """Runs at once and waiting per queue, the wait that promotes one class, and breakers."""

    max_running: int = 4
    queue_limits: Mapping[Priority, int] = field(
        default_factory=lambda: {Priority.CORE: 256, Priority.REGULAR: 256, Priority.LOW: 256}
    )
    ageing_ms: float = 2_000
    breaker: BreakerConfig = BreakerConfig()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration; URLs are as written, relative to the configuration itself."""

    system_code: str = ""
    bundles: tuple[str, ...] = ()
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    data: DataConfig = DataConfig()
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    inference: InferenceConfig = InferenceConfig()
    container: ContainerConfig = ContainerConfig()
    trust: TrustConfig = field(default_factory=TrustConfig)


def parse_config(plain: object) -> Config:
    """Turn decoded JSON into a :class:`Config`.

    Args:
        plain: An object of ``schemas/config.schema.json``; ``{"triggers": […]}`` is enough.

    Raises:
        ConfigError: ``config-invalid`` with ``details`` path, expected and value.
    """
    schema.check("config", plain)
    assert isinstance(plain, dict)
    _refuse_repeats(plain.get("bundles", []), "bundles[{}]", "Remove the second entry.")
    signers = [key["id"] for key in plain.get("trust", {}).get("keys", [])]
    _refuse_repeats(signers, "trust.keys[{}].id", "Give each key an id of its own.")
    data = plain.get("data", {})
    prefixes = [rule["prefix"] for rule in data.get("keys", [])]
    _refuse_repeats(prefixes, "data.keys[{}].prefix", "Merge the two rules.")
    return Config(
        system_code=plain.get("systemCode", ""),
        bundles=tuple(plain.get("bundles", [])),
        models={
            name: parse_model(model, f"models.{name}")
            for name, model in plain.get("models", {}).items()
        },
        triggers=tuple(
            parse_trigger(each, f"triggers[{index}]")
            for index, each in enumerate(plain.get("triggers", []))
        ),
        data=DataConfig(_events_rule(data.get("events", {})), _key_rules(data.get("keys", []))),
        scheduler=_scheduler(plain.get("scheduler", {})),
        inference=parse_inference(plain.get("inference", {})),
        container=parse_container(plain.get("container", {}), plain.get("vms", "auto")),
        trust=parse_trust(plain.get("trust", {})),
    )


def warm() -> None:
    """Compile what a page validates with; a memory snapshot keeps that, but not the schemas."""
    for name in ("config", "manifest"):
        schema.validator(name)


def _refuse_repeats(values: Sequence[str], path: str, advice: str) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise schema.invalid("config", path.format(index), "each entry once", value, advice)


def _events_rule(plain: Mapping[str, Any]) -> EventsRule:
    default = EventsRule()
    return EventsRule(
        encrypted=plain.get("encrypted", default.encrypted),
        max_age_days=plain.get("maxAgeDays", default.max_age_days),
        max_rows=int(plain.get("maxRows", default.max_rows)),
        max_bytes=plain.get("maxBytes"),
    )


def _key_rules(plain: Sequence[Mapping[str, Any]]) -> tuple[KeyRule, ...]:
    return tuple(
        KeyRule(
            each["prefix"],
            each.get("encrypted", True),
            each.get("maxAgeDays"),
            each.get("maxRows"),
            each.get("maxBytes"),
        )
        for each in plain
    )


def _scheduler(plain: Mapping[str, Any]) -> SchedulerConfig:
    default = SchedulerConfig()
    given = plain.get("queueLimits", {})
    return SchedulerConfig(
        max_running=int(plain.get("maxRunning", default.max_running)),
        queue_limits={
            queue: int(given.get(queue.value, limit))
            for queue, limit in default.queue_limits.items()
        },
        ageing_ms=plain.get("ageingMs", default.ageing_ms),
        breaker=parse_breaker(plain.get("breaker", {})),
    )
