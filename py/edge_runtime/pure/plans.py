"""The ways to run one model here: a file of it on a backend; and which of them to use.

Pinned plans win over all others, the first file's first. Measured plans win over plans that are
not, the faster one over the slower. Until anything is measured the first plan serves: wasm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..config_models import ModelConfig, Variant
from ..types import Conditions, TensorSpec
from .candidates import Candidate, Choices, Pins, candidates
from .device import DeviceFacts
from .verdicts import Verdicts

# A plan has to be faster by this share to take another one's place: both are noisy.
_CLEARLY = 0.95


@dataclass(frozen=True, slots=True)
class Plan:
    """One file of a model on one backend.

    Attributes:
        variant: The file.
        candidate: The backend, its build and threads.
        is_pinned: Whether the configuration asks for just this backend.
        wanted: The backend that it asks for in vain, and why; None where there is none.
        sizes: Those that the configuration gives to free dimensions, as text.
        key: What its verdict is filed under: file, backend, build, threads and sizes.
    """

    variant: Variant
    candidate: Candidate
    is_pinned: bool = False
    wanted: str | None = None
    sizes: str = ""
    key: str = field(init=False)

    def __post_init__(self) -> None:
        way = self.candidate
        key = f"{self.variant.identity} {way.key} {way.build} {way.threads}{self.sizes}"
        object.__setattr__(self, "key", key)  # Once, as every run asks for it.

    @property
    def is_wasm(self) -> bool:
        """Say whether it is the kind that answers before anything is measured."""
        return self.candidate.backend == "wasm"


class Plans(NamedTuple):
    """Plans of a model, what serves first in front; and by backend why others are none."""

    plans: tuple[Plan, ...]
    refused: Mapping[str, str]


class Chosen(NamedTuple):
    """A plan, and why no plan that is preferred to it is used; None where there is none such."""

    plan: Plan
    reason: str | None


def plans_of(
    model: ModelConfig, facts: DeviceFacts, inputs: Mapping[str, Sequence[TensorSpec]]
) -> Plans:
    """Return the plans of a model on a device.

    Args:
        model: Its configuration.
        facts: The device.
        inputs: What files declare, by digest, as far as they were opened.
    """
    plans: list[Plan] = []
    refused: dict[str, str] = {}
    # The same file is another graph with other sizes.
    sizes = "".join(f" {name}={size}" for name, size in sorted(model.dimensions.items()))
    for variant in model.variants:
        pin = model.pin or variant.backend
        choices = _choices(model, facts, variant, pin, inputs)
        missed = {each.backend: each.reason for each in choices.refused}
        ways = [(way, _missed(pin, way, missed)) for way in choices.candidates]
        plans += [Plan(variant, way, pin is not None and not why, why, sizes) for way, why in ways]
        if pin is not None and not any(way.backend == "wasm" for way in choices.candidates):
            # Where what is pinned turns out not to work.
            instead = _choices(model, facts, variant, None, inputs).candidates
            wasm = [way for way in instead if way.backend == "wasm"]
            plans += [Plan(variant, way, sizes=sizes) for way in wasm]
        for backend, reason in missed.items():
            refused.setdefault(backend, reason)
    for plan in plans:
        if plan.is_wasm:
            refused.pop("wasm", None)
    # In the order of the files otherwise, as sorting is stable.
    plans.sort(
        key=lambda plan: (
            not plan.is_pinned,
            not (plan.is_pinned or plan.is_wasm),
            plan.wanted is not None,
        )
    )
    return Plans(tuple(plans), refused)


def choose(
    plans: Sequence[Plan],
    verdicts: Verdicts,
    now_ms: float,
    is_barred: Callable[[Plan], str | None],
) -> Chosen | None:
    """Return the plan to use now; None where none is left.

    Args:
        plans: In the order of :func:`plans_of`.
        verdicts: What measuring found.
        now_ms: Unix time.
        is_barred: Says why a plan is out of the question just now.
    """
    passed: list[str] = []
    for plan in _preferred(plans, verdicts):
        reason = is_barred(plan) or verdicts.refusal(plan.key, now_ms)
        if reason is None:
            told = ([plan.wanted] if plan.wanted else []) + passed
            return Chosen(plan, "; ".join(dict.fromkeys(told)) or None)
        passed.append(f"{plan.candidate.key}: {reason}")
    return None


def _preferred(plans: Sequence[Plan], verdicts: Verdicts) -> list[Plan]:
    """Return what is pinned, then what is measured, the fastest first, then the rest."""
    pinned: list[Plan] = []
    timed: list[tuple[Plan, float]] = []
    rest: list[Plan] = []
    for plan in plans:
        verdict = verdicts.get(plan.key)
        if plan.is_pinned:
            pinned.append(plan)
        elif verdict is None or verdict.ms is None:
            rest.append(plan)
        else:
            timed.append((plan, verdict.ms))
    return [*pinned, *_by_time(timed), *rest]


def _by_time(timed: list[tuple[Plan, float]]) -> list[Plan]:
    """Return the fastest first; of those that are about as fast, the first."""
    ordered: list[Plan] = []
    while timed:
        least_ms = min(ms for _, ms in timed)
        best = next(each for each in timed if _CLEARLY * each[1] <= least_ms)
        timed.remove(best)
        ordered.append(best[0])
    return ordered


def _choices(
    model: ModelConfig,
    facts: DeviceFacts,
    variant: Variant,
    pin: str | None,
    inputs: Mapping[str, Sequence[TensorSpec]],
) -> Choices:
    return candidates(
        facts,
        Conditions(variant.precision, variant.backends, variant.requires, variant.min_memory_gb),
        Pins(pin, frozenset(model.forbid)),
        inputs.get(variant.sha256, ()),
        model.dimensions,
    )


def _missed(pin: str | None, way: Candidate, refused: Mapping[str, str]) -> str | None:
    """Return what was asked for and is not this; None where it is this, or nothing was."""
    if pin is None or pin in (way.backend, way.key):
        return None
    reasons = [reason for key, reason in refused.items() if key.partition("-")[0] == pin]
    return f"{pin}: {'; '.join(dict.fromkeys(reasons)) or 'not offered here'}"


def breaker_of(model: str, plan: Plan) -> str:
    """Return the name of a plan's breaker."""
    return f"{model}@{plan.candidate.backend}"
