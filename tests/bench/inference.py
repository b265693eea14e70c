"""infer.overhead_*, infer.choice_regret, infer.vs_wasm_default: beside the engine alone.

On a browser with WebNN and WebGPU, when measuring has ended. The time of a task is that from its
``ctx.infer`` until it has the outputs; the time of the raw engine that inside its worker.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from .harness import fresh_page, p50, p99, served
from .infer_models import BenchModel, all_models
from .infer_rounds import DEFAULTS, EDGE, Timed, time_model
from .infer_site import PEER, START, accelerated, edge_runs, infer_site
from .report import Measure

MEASURING_S: Final = 240
LONG_MS: Final = 10.0

Plans = dict[str, list[dict[str, Any]]]


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Wait until all plans are measured, then time each model on all sides."""
    models = all_models()
    site = infer_site(folder, models, {})
    with (
        accelerated(browser) as fast,
        served(site, isolated=True, csp="off") as server,
        fresh_page(fast) as page,
    ):
        page.goto(server.url)
        page.evaluate(START)
        for model in models:
            edge_runs(page, model.name, 1)
        plans = measured_plans(page, models)
        timed = [time_model(page, model, usable(plans[model.name])) for model in models]
    return [overhead(timed), ratio(timed), regret(timed, plans), vs_default(timed)]


def measured_plans(page: Page, models: Sequence[BenchModel]) -> Plans:
    """Return the plans of each model, when there is nothing left to be measured."""
    until = time.monotonic() + MEASURING_S
    while True:
        found = page.evaluate("() => EdgeAI.statistics()")["models"]
        plans = {model.name: found[model.name]["plans"] for model in models}
        open_plans = {
            name: [plan["backend"] for plan in each if plan["ms"] is None and not plan["refused"]]
            for name, each in plans.items()
            if len(each) > 1
        }
        if not any(open_plans.values()) and any(len(each) > 1 for each in plans.values()):
            return plans
        if time.monotonic() > until:
            raise RuntimeError(f"inference bench: expected an end of measuring, got {open_plans}")
        page.wait_for_timeout(500)


def usable(plans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the plans that give right answers."""
    return [plan for plan in plans if not plan["refused"]]


def overhead(timed: Sequence[Timed]) -> Measure:
    """Return what our way adds to a model that takes hardly any time itself."""
    mlp = next(each for each in timed if each.model.name == "mlp")
    edge_ms = list(chain.from_iterable(mlp.times_ms[EDGE]))
    details = {
        "task_p50_ms": round(p50(edge_ms), 3),
        "task_p99_ms": round(p99(edge_ms), 3),
        "raw_p50_ms": round(mlp.raw_ms, 3),
        "raw_round_trip_p50_ms": round(p50(mlp.round_trip_ms), 3),
        "backend": mlp.chosen,
    }
    return Measure("infer.overhead_ms", p50(edge_ms) - mlp.raw_ms, 1.5, PEER, details=details)


def ratio(timed: Sequence[Timed]) -> Measure:
    """Return our time over the raw engine's for models that take long, the worst of them."""
    long = [each for each in timed if each.raw_ms >= LONG_MS]
    if not long:
        raise RuntimeError(f"inference bench: expected a model above {LONG_MS} ms, got none")
    return worst("infer.overhead_ratio", long, lambda each: each.over(EDGE, each.chosen), 1.05)


def regret(timed: Sequence[Timed], plans: Plans) -> Measure:
    """Return the chosen plan's time over that of the best, the worst of all models."""
    found = worst("infer.choice_regret", timed, lambda each: each.regret, 1.10)
    refused = [
        f"{model} on {plan['backend']}: {plan['refused']}"
        for model, each in plans.items()
        for plan in each
        if plan["refused"]
    ]
    return replace(found, details={**found.details, "refused": "; ".join(refused) or "none"})


def vs_default(timed: Sequence[Timed]) -> Measure:
    """Return a raw engine's time with its defaults over ours, the worst of the CNNs."""
    cnns = [each for each in timed if each.model.is_cnn]
    return worst("infer.vs_wasm_default", cnns, lambda each: each.over(DEFAULTS, EDGE), 2.5, False)


def worst(
    key: str,
    timed: Sequence[Timed],
    figure: Callable[[Timed], float],
    goal: float,
    is_lower_better: bool = True,
) -> Measure:
    """Return the worst figure of several models, with all of them behind it."""
    figures = {each.model.name: figure(each) for each in timed}
    value = (max if is_lower_better else min)(figures.values())
    details = {each.model.name: described(each, figures[each.model.name]) for each in timed}
    return Measure(key, value, goal, PEER, "lower" if is_lower_better else "higher", details)


def described(timed: Timed, figure: float) -> str:
    """Return a figure with the medians of all sides."""
    sides = {side: timed.p50(side) for side in timed.times_ms} | timed.dropped
    medians = " ".join(f"{side}={ms:.3g}" for side, ms in sides.items())
    size_mb = len(timed.model.data) / 1e6
    return f"{figure:.3g} ({timed.chosen}, {size_mb:.1f} MB; ms {medians})"
