"""Plans of a model: which there are, in which order, and which one serves."""

from dataclasses import replace

import pytest
from edge_runtime.config_models import ExternalFile, ModelConfig, Variant
from edge_runtime.pure.plans import Plan, choose, plans_of
from edge_runtime.pure.verdicts import Verdicts
from edge_runtime.services.inference_openings import session_name
from edge_runtime.types import TensorSpec

from .devices import DEVICES

EVERYTHING = DEVICES["chrome with everything"]
PLAIN = Variant("m.onnx", "aa")
HALF = Variant("half.onnx", "bb", precision="fp16", backends=("webgpu",))
NOW_MS = 1e12


def keys(model: ModelConfig, device: str = "chrome with everything") -> list[str]:
    return [plan.candidate.key for plan in plans_of(model, DEVICES[device], {}).plans]


def free(plan: Plan) -> None:
    return None


def test_everything_possible_is_a_plan_wasm_in_front() -> None:
    model = ModelConfig((PLAIN, HALF))

    plans = plans_of(model, EVERYTHING, {}).plans

    assert [(plan.variant.url, plan.candidate.key) for plan in plans] == [
        ("m.onnx", "wasm"), ("m.onnx", "wasm"), ("m.onnx", "webgpu"), ("m.onnx", "webnn-cpu"),
        ("m.onnx", "webnn-gpu"), ("m.onnx", "webnn-npu"), ("half.onnx", "webgpu"),
    ]  # fmt: skip
    assert [plan.candidate.threads for plan in plans[:2]] == [4, 1]
    assert len({plan.key for plan in plans}) == len(plans)
    assert plans[2].key == "aa webgpu jspi 1"


def test_what_is_not_possible_says_why() -> None:
    plans = plans_of(ModelConfig((PLAIN,)), DEVICES["mini-program"], {})

    assert [plan.candidate.key for plan in plans.plans] == ["wasm"]
    assert plans.refused == {
        "webgpu": "this browser or page does not offer it",
        "webnn": "this browser or page does not offer it",
    }


def test_what_a_file_declares_rules_backends_out() -> None:
    inputs = {"aa": (TensorSpec("x", "float32", ("n",)),)}

    plans, refused = plans_of(ModelConfig((PLAIN,)), EVERYTHING, inputs)

    assert {plan.candidate.key for plan in plans} == {"wasm", "webgpu"}
    assert "free dimension" in refused["webnn"]


def test_other_weights_beside_the_same_graph_are_another_file() -> None:
    weights = [ExternalFile("w.bin", f"{digest}.bin", digest * 64) for digest in "ab"]
    variants = [replace(PLAIN, external=(each,)) for each in weights]

    names = {
        (plan.key, session_name("m", plan))
        for each in variants
        for plan in plans_of(ModelConfig((each,), pin="wasm"), EVERYTHING, {}).plans
        if plan.candidate.threads == 1
    }

    assert len({key for key, _ in names}) == len({name for _, name in names}) == 2
    assert all(key.startswith(PLAIN.sha256) for key, _ in names)


def test_wasm_stands_behind_what_is_pinned() -> None:
    pinned = plans_of(ModelConfig((PLAIN,), pin="webnn-npu"), EVERYTHING, {})

    assert [plan.candidate.key for plan in pinned.plans] == ["webnn-npu", "wasm", "wasm"]
    assert [plan.is_pinned for plan in pinned.plans] == [True, False, False]
    assert "wasm" not in pinned.refused
    assert keys(ModelConfig((PLAIN,), pin="webgpu", forbid=("wasm",))) == ["webgpu"]
    assert keys(ModelConfig((HALF,), pin="webgpu")) == ["webgpu"]
    assert keys(ModelConfig((PLAIN,), pin="wasm")) == ["wasm", "wasm"]


def test_of_pinned_files_the_first_is_in_front() -> None:
    variants = (replace(PLAIN, backend="webgpu"), Variant("other.onnx", "cc", backend="wasm"))

    plans = plans_of(ModelConfig(variants), EVERYTHING, {}).plans

    assert [(plan.variant.url, plan.candidate.key) for plan in plans if plan.is_pinned] == [
        ("m.onnx", "webgpu"), ("other.onnx", "wasm"), ("other.onnx", "wasm")
    ]  # fmt: skip
    assert [plan.is_pinned for plan in plans] == [True] * 3 + [False] * 2


def test_what_is_pinned_in_vain_is_told_with_what_serves() -> None:
    (plan,) = plans_of(ModelConfig((PLAIN,), pin="webgpu"), DEVICES["mini-program"], {}).plans

    assert not plan.is_pinned
    chosen = choose([plan], Verdicts(), NOW_MS, free)
    assert chosen is not None
    assert chosen.reason == "webgpu: this browser or page does not offer it"


@pytest.fixture
def plans() -> list[Plan]:
    """wasm with 4 threads and 1, webgpu, webnn-cpu, webnn-gpu, webnn-npu."""
    return list(plans_of(ModelConfig((PLAIN,)), EVERYTHING, {}).plans)


def chosen_of(
    plans: list[Plan], times_ms: dict[int, float], **barred: str
) -> tuple[int, str | None]:
    verdicts = Verdicts()
    for index, ms in times_ms.items():
        verdicts.measured(plans[index].key, ms, NOW_MS)
    chosen = choose(plans, verdicts, NOW_MS, lambda plan: barred.get(plan.candidate.backend))
    assert chosen is not None
    return plans.index(chosen.plan), chosen.reason


@pytest.mark.parametrize(
    ("times_ms", "best"),
    [
        ({}, 0),
        ({2: 9.0}, 2),  # What is measured is known to be right.
        ({0: 9.0, 2: 1.0, 3: 2.0}, 2),
        ({0: 9.0, 2: 12.0}, 0),
        ({0: 10.0, 2: 9.6}, 0),  # Not clearly faster.
        ({0: 10.0, 2: 9.4}, 2),
        ({0: 10.0, 2: 9.6, 3: 9.2}, 2),  # Of those about as fast the first.
        ({2: 10.0, 3: 9.6}, 2),
    ],
)
def test_the_fastest_by_a_clear_margin_serves(
    plans: list[Plan], times_ms: dict[int, float], best: int
) -> None:
    assert chosen_of(plans, times_ms) == (best, None)


def test_only_what_would_have_been_preferred_is_told(plans: list[Plan]) -> None:
    times_ms = {0: 9.0, 2: 1.0, 3: 20.0}

    assert chosen_of(plans, times_ms, webgpu="it failed") == (0, "webgpu: it failed")
    assert chosen_of(plans, times_ms, webnn="it failed") == (2, None)
    assert chosen_of(plans, {}, wasm="it failed") == (2, "wasm: it failed")


def test_what_is_refused_does_not_serve_nor_is_it_a_fallback(plans: list[Plan]) -> None:
    verdicts = Verdicts()
    verdicts.measured(plans[0].key, 9.0, NOW_MS)
    verdicts.refuse(plans[2].key, "wrong answers", NOW_MS)

    chosen = choose(plans[:3], verdicts, NOW_MS, free)

    assert chosen == (plans[0], None)


def test_a_refused_pin_is_told_and_where_all_is_barred_nothing_serves(plans: list[Plan]) -> None:
    pinned = plans_of(ModelConfig((PLAIN,), pin="webgpu"), EVERYTHING, {}).plans
    verdicts = Verdicts()
    verdicts.measured(pinned[1].key, 0.1, NOW_MS)
    faster = choose(pinned, verdicts, NOW_MS, free)
    verdicts.refuse(pinned[0].key, "wrong answers", NOW_MS)

    chosen = choose(pinned, verdicts, NOW_MS, free)

    assert faster == (pinned[0], None)
    assert chosen == (pinned[1], "webgpu: wrong answers")
    assert choose(plans, Verdicts(), NOW_MS, lambda _: "barred") is None
