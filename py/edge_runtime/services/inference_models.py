"""What is known of each model in use, its open sessions, and its figures."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..config_models import ModelConfig
from ..host.ports import OpenedModel
from ..pure.golden import Golden
from ..pure.plans import Plan
from ..pure.rolling_window import RollingWindow
from ..pure.service_time import ServiceTime
from ..pure.statistics import ModelStatistics, Percentiles, PlanStatistics
from ..pure.verdicts import Verdicts
from ..tensor import Tensor
from ..types import Backend

SAMPLE_BYTES: Final = 8 * 2**20
"""Feeds above that are not kept as a stand-in for golden ones."""


@dataclass(eq=False, slots=True)
class Model:
    """A model of the configuration.

    Attributes:
        name: As tasks call it.
        config: Its files.
        golden: Answers to compare with: of its golden file, else one of wasm.
        sample: Feeds of its first run, for a model without a golden file.
        stale: Keys of plans to be measured once more.
        postponed: Keys of plans that could not be measured in this life.
        backend: Where it ran last.
        plan_key: By which plan.
        open_ms: What it took to open that.
        runs: Since the start.
        infer_ms: Times inside the engine, of the plan in use.
        service: Tells when it gets slower.
    """

    name: str
    config: ModelConfig
    golden: Golden | None = None
    sample: Mapping[str, Tensor] | None = None
    stale: set[str] = field(default_factory=set)
    postponed: set[str] = field(default_factory=set)
    backend: Backend | None = None
    plan_key: str = ""
    open_ms: float | None = None
    runs: int = 0
    infer_ms: RollingWindow = field(default_factory=RollingWindow)
    service: ServiceTime = field(default_factory=ServiceTime)

    def take_up(self, plan: Plan, open_ms: float) -> None:
        """Begin its figures anew, as another plan serves from now on."""
        self.plan_key, self.open_ms = plan.key, open_ms
        self.infer_ms, self.service = RollingWindow(), ServiceTime()

    @property
    def can_be_measured(self) -> bool:
        """Say whether there is anything to feed it with."""
        return bool(self.golden or self.sample or self.config.golden)

    def usual_ms(self, plan_key: str) -> float | None:
        """Return what its runs take by a plan; None before the first, and of one not in use."""
        return self.infer_ms.percentile(50) if plan_key == self.plan_key else None

    def count(self, feeds: Mapping[str, Tensor], infer_ms: float | None, backend: Backend) -> None:
        """Take in a run; the feeds of the first one stand in for those of a golden file.

        Args:
            feeds: The run's.
            infer_ms: Its time; None where it is not of the plan in use.
            backend: Where it ran.
        """
        self.runs += 1
        if infer_ms is not None:
            self.backend = backend
            self.infer_ms.add(infer_ms)
            self.service.add(infer_ms)
        if not self.can_be_measured:
            if sum(memoryview(feed.data).nbytes for feed in feeds.values()) <= SAMPLE_BYTES:
                # Copied: a task may write the next feeds into the same buffers.
                self.sample = {
                    name: Tensor(feed.dtype, feed.shape, bytes(feed.data))
                    for name, feed in feeds.items()
                }

    def statistics(self, plans: tuple[Plan, ...], verdicts: Verdicts) -> ModelStatistics:
        """Return its figures, with what measuring found of ``plans``."""
        percentiles = Percentiles(
            p50=self.infer_ms.percentile(50), p99=self.infer_ms.percentile(99)
        )
        return ModelStatistics(
            backend=None if self.backend is None else self.backend.to_dict(),
            runs=self.runs,
            inferMs=percentiles,
            openMs=self.open_ms,
            plans=[_described(plan, verdicts) for plan in plans],
        )


class Wanted(NamedTuple):
    """A session as it is asked for: where, by which name, of which file, and what opens it."""

    lane: str
    name: str
    digest: str
    make: Callable[[], Awaitable[OpenedModel]]


@dataclass(eq=False, slots=True)
class Session:
    """An open session; ``is_lost``: it, or its lane, is gone."""

    lane: str
    name: str
    opened: OpenedModel
    size_bytes: int
    open_ms: float
    used_ms: float
    users: int = 0
    has_run: bool = False
    is_lost: bool = False

    def __enter__(self) -> "Session":
        """Keep it open: what is in use is not released to make room."""
        self.users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.users -= 1


def _described(plan: Plan, verdicts: Verdicts) -> PlanStatistics:
    verdict = verdicts.get(plan.key)
    return PlanStatistics(
        backend=plan.candidate.key,
        precision=plan.variant.precision,
        threads=plan.candidate.threads,
        ms=None if verdict is None else verdict.ms,
        refused=verdict.reason if verdict is not None and verdict.reason else None,
    )
