"""Which plan serves a model now: from what the device can do, what measuring found, what failed.

A first use waits for nothing but wasm: accelerators are asked for meanwhile. Where a model was
measured in an earlier life, or is pinned to an accelerator, the device is looked at first.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from ..config_models import InferenceConfig, ModelConfig
from ..errors import EdgeError, HostError
from ..host.ports import Clock, Inference
from ..pure.capacity import memory_budget_bytes, thread_count, wasm_lanes
from ..pure.device import DeviceFacts
from ..pure.dispatcher_ports import Gate
from ..pure.lane_plans import lane_names
from ..pure.plans import Chosen, Plan, Plans, breaker_of, choose, plans_of
from ..types import TensorSpec
from .inference_memory import ENDED, InferenceMemory

FAILED_MS: Final = 30_000
"""How long a plan is left alone that could not be opened, or failed on its device."""

SETTLED_MS: Final = 600_000
"""How long a verdict holds even where the model has become slower."""


class Planner:
    """Plans of all models.

    Args:
        inference: Tells what the device can do.
        clock: Unix time, for verdicts.
        models: The configuration's models.
        config: Lanes and memory.
        memory: Verdicts.
        breakers: By ``model@backend``.
    """

    def __init__(
        self,
        inference: Inference,
        clock: Clock,
        models: Mapping[str, ModelConfig],
        config: InferenceConfig,
        memory: InferenceMemory,
        breakers: Gate,
    ) -> None:
        self._inference = inference
        self._clock = clock
        self._models = models
        self._config = config
        self._memory = memory
        self._breakers = breakers
        self._basic: DeviceFacts | None = None
        self._facts: DeviceFacts | None = None
        self._probing: asyncio.Task[DeviceFacts] | None = None
        self._inputs: dict[str, Sequence[TensorSpec]] = {}
        self._plans: dict[str, Plans] = {}
        self._failed: dict[tuple[str, str], tuple[str, float]] = {}
        # Chosen plans before which none had to be passed over, until anything changes.
        self._chosen: dict[str, Chosen] = {}
        self._seen: tuple[object, int] = (None, 0)

    def is_ready(self, name: str) -> bool:
        """Say whether enough is known about the device for a model that has run."""
        return self._facts is not None or name in self._chosen

    async def look(self, name: str) -> None:
        """Find out as much about the device as a model needs before it can run.

        Raises:
            HostError: No inference worker starts.
        """
        if self._facts is not None:
            return
        model = self._models[name]
        wants_all = any(variant.backend not in (None, "wasm") for variant in model.variants)
        wants_all = wants_all or model.pin not in (None, "wasm")
        if wants_all or any(self._memory.knows(each.sha256) for each in model.variants):
            await self.look_closely()
        elif self._basic is None:
            self._basic = DeviceFacts.from_plain(await self._inference.probe(accelerators=False))
        if self._facts is None and not self.plans(name).plans:
            await self.look_closely()  # It may not use wasm.

    async def look_closely(self) -> None:
        """Ask for accelerators, too, and recall what was measured on them; once.

        Raises:
            HostError: No inference worker starts.
        """
        if self._facts is not None:
            return
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())
        try:
            await asyncio.shield(self._probing)
        finally:
            if self._probing is not None and self._probing.done():
                self._probing = None

    @property
    def is_looked_at(self) -> bool:
        """Say whether accelerators were asked for."""
        return self._facts is not None

    def learn(self, digest: str, inputs: Sequence[TensorSpec]) -> None:
        """Take in what a file declares: some backends cannot have it."""
        if digest not in self._inputs:
            self._inputs[digest] = inputs
            self._chosen.clear()
            # Of all models: a file may be one of several.
            self._plans.clear()

    def plans(self, name: str) -> Plans:
        """Return the plans of a model, as far as the device is known."""
        facts, plans = self._facts or self._basic, self._plans.get(name)
        if facts is None:
            return Plans((), {})
        if plans is None:
            plans = self._plans[name] = plans_of(self._models[name], facts, self._inputs)
        return plans

    def choose(self, name: str, barred: Mapping[str, str]) -> Chosen:
        """Return the plan to use now.

        Args:
            name: The model's.
            barred: Plans that this very run has tried in vain, by key, and why.

        Raises:
            RefusedError: ``circuit-open``: all that is left failed too often lately.
            HostError: ``inference-failed``: nothing here can run it, and why.
        """
        verdicts = self._memory.verdicts
        if self._seen != (verdicts, verdicts.changes):
            self._seen = (verdicts, verdicts.changes)
            self._chosen.clear()
        known = None if barred else self._chosen.get(name)
        if known is not None and not self._breakers.refusal(breaker_of(name, known.plan)):
            return known
        plans, now_ms = self.plans(name).plans, self._clock.now_ms()

        def closed(plan: Plan) -> str | None:
            refusal = self._breakers.refusal(breaker_of(name, plan))
            return barred.get(plan.key) or (refusal.message if refusal else None)

        def bar(plan: Plan) -> str | None:
            return closed(plan) or self._failed_lately(name, plan)

        chosen = choose(plans, verdicts, now_ms, bar)
        if chosen is not None and chosen.reason is None and not barred:
            self._chosen[name] = chosen
        # What failed a while ago, or gave other answers than expected, is better than nothing.
        chosen = chosen or choose(plans, verdicts, now_ms, closed)
        return chosen or self._last_resort(name, plans, barred)

    def serving(self, name: str) -> Plan | None:
        """Return the plan that the next run uses; None where that would be refused."""
        try:
            return self.choose(name, {}).plan
        except EdgeError:
            return None

    def failed(self, name: str, plan: Plan, reason: str) -> None:
        """Leave a plan alone for a while."""
        self._failed[name, plan.key] = (reason, self._clock.now_ms())
        self._chosen.clear()

    def lanes(self, plan: Plan) -> list[str]:
        """Return the lanes that a plan may run in."""
        facts, way = self._known(), plan.candidate
        count = wasm_lanes(facts, self._config.wasm_lanes)
        return lane_names(way.key, way.threads, thread_count(facts), count)

    def budget_bytes(self) -> int:
        """Return what open sessions may take together."""
        return memory_budget_bytes(self._known(), self._config.memory_budget_bytes)

    def refusals(self, name: str) -> dict[str, str]:
        """Return by backend why no file of a model is used there."""
        plans, refused = self.plans(name)
        told, now_ms = dict(refused), self._clock.now_ms()
        fit: set[str] = set()
        for plan in plans:
            reason = self._memory.verdicts.refusal(plan.key, now_ms)
            reason = reason or self._failed_lately(name, plan)
            if reason:
                told[plan.candidate.key] = reason
            else:
                fit |= {plan.candidate.key, plan.candidate.backend}
        return {key: reason for key, reason in told.items() if key not in fit}

    def outdated(self, name: str) -> set[str]:
        """Return the keys of plans whose times are old enough to be taken once more."""
        now_ms, verdicts = self._clock.now_ms(), self._memory.verdicts
        keys = (plan.key for plan in self.plans(name).plans)
        return {key for key in keys if verdicts.is_timed_before(key, now_ms, SETTLED_MS)}

    def may_fetch(self, digest: str = "") -> bool:
        """Say whether a model's file, or a golden one, may be loaded though nobody waits for it."""
        return digest in self._inputs or not self._known().save_data

    async def stop(self) -> None:
        """Give up looking."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    def _known(self) -> DeviceFacts:
        facts = self._facts or self._basic
        assert facts is not None, "look() comes first"
        return facts

    async def _probe(self) -> DeviceFacts:
        told = await self._inference.probe(accelerators=True)
        facts = DeviceFacts.from_plain(told)
        build = str(told.get("build", ""))
        await self._memory.recall(" · ".join((build, *facts.fingerprint())), self._clock.now_ms())
        self._facts = facts
        self._plans.clear()
        self._chosen.clear()
        return facts

    def _failed_lately(self, name: str, plan: Plan) -> str | None:
        if plan.key in self._memory.stepped_down:
            return ENDED
        reason, at_ms = self._failed.get((name, plan.key), (None, 0.0))
        return reason if abs(self._clock.now_ms() - at_ms) < FAILED_MS else None

    def _last_resort(self, name: str, plans: Sequence[Plan], barred: Mapping[str, str]) -> Chosen:
        """Return a plan although measuring refuses all; wrong golden files must not end a model."""
        for plan in plans:
            refusal = self._breakers.refusal(breaker_of(name, plan))
            if plan.key not in barred and refusal is not None:
                raise refusal
        for plan in plans:
            if plan.key not in barred:
                reason = self._memory.verdicts.refusal(plan.key, self._clock.now_ms())
                return Chosen(plan, f"every backend is refused; {plan.candidate.key}: {reason}")
        refused = [f"{key}: {reason}" for key, reason in self.plans(name).refused.items()]
        reasons = "; ".join((*barred.values(), *refused)) or "no backend is offered"
        raise HostError(
            "inference-failed",
            f"model {name}: expected a backend that can run it, got none: {reasons}. "
            "Look at its variants and at the device.",
            {"model": name},
        )
