"""What a configuration promises and its tasks do not keep."""

from dataclasses import replace

from edge_runtime.config import Config, parse_config
from edge_runtime.config_models import ModelConfig, Variant
from edge_runtime.config_triggers import Trigger
from edge_runtime.pure.config_checks import (
    fixed_sections,
    missing_fallbacks,
    missing_models,
    not_kept,
    usable_triggers,
)
from edge_runtime.pure.fallback import Fallback
from edge_runtime.pure.manifest import Manifest
from edge_runtime.types import FallbackKind, Priority


def manifest(*models: str) -> Manifest:
    return Manifest(
        "Rank", "1", "demo", "rank", "main:run", Priority.LOW, 1_000, tuple(models), (), {}
    )


def test_a_trigger_whose_task_is_absent_is_left_out_and_named_by_its_place() -> None:
    triggers = [Trigger("Rank", ()), Trigger("Rang", ()), Trigger("Rank", ())]

    usable, problems = usable_triggers(triggers, {"Rank", "Photo"})

    assert usable == [triggers[0], triggers[2]]
    assert [problem.message for problem in problems] == [
        "config at triggers[1].taskName: expected the name of a loaded task (Photo, Rank), got "
        '"Rang" (string). Correct it, or list the task\'s bundle.'
    ]


def test_models_that_tasks_list_must_be_configured() -> None:
    variants = {"variants": [{"url": "m.onnx", "sha256": "0" * 64}]}
    config = parse_config({"triggers": [], "models": {"ranker": variants}})

    problems = missing_models(config, [manifest("ranker"), manifest("ranker", "other")])

    assert [problem.details for problem in problems] == [{"taskName": "Rank", "model": "other"}]
    assert "expected models of the configuration (ranker), got 'other'" in problems[0].message


def test_a_task_that_others_fall_back_on_must_be_loaded() -> None:
    there, absent = (Fallback(FallbackKind.TASK, task=name) for name in ("Simple", "Simpel"))
    tasks = [replace(manifest(), fallback=each) for each in (None, there, absent)]
    simple = replace(manifest(), name="Simple", fallback=Fallback(FallbackKind.LAST))

    problems = missing_fallbacks([*tasks, simple])

    assert [problem.details for problem in problems] == [{"taskName": "Rank", "fallback": "Simpel"}]
    assert "a loaded task as its fallback (Simple), got 'Simpel'" in problems[0].message


def test_sealed_files_whose_task_is_not_loaded_are_listed() -> None:
    plain, sealed = Variant("m.onnx", "ab"), Variant("s.onnx", "cd", key_resource=("Keys", "m.key"))
    models = {"m": ModelConfig((plain, sealed)), "other": ModelConfig((plain,))}

    [problem] = not_kept(Config(models=models), [manifest()])

    assert problem.code == "config-invalid"
    assert "models.m.variants[1].sealed.task" in problem.message
    assert "Rank" in problem.message and "Keys" in problem.message
    assert not_kept(Config(models=models), [replace(manifest(), name="Keys")]) == []


def test_other_trust_takes_a_new_start() -> None:
    started = parse_config({"trust": {"unsigned": True}})

    (problem,) = fixed_sections(started, parse_config({"trust": {"seals": {"s": f"{'A' * 43}="}}}))
    assert problem.details["path"] == "trust"
    assert fixed_sections(started, parse_config({})) == fixed_sections(started, started) == []
