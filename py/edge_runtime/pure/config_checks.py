"""What a configuration promises and its addresses or the loaded tasks do not keep."""

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urljoin

from ..config import Config, ModelConfig
from ..config_triggers import Trigger
from ..errors import ConfigError
from ..schema import invalid
from .candidates import KEYS
from .manifest import Manifest


def usable_triggers(
    triggers: Iterable[Trigger], task_names: Collection[str]
) -> tuple[list[Trigger], list[ConfigError]]:
    """Return the triggers whose task is there, and one ``config-invalid`` for each other one."""
    usable: list[Trigger] = []
    problems: list[ConfigError] = []
    for index, trigger in enumerate(triggers):
        if trigger.task_name in task_names:
            usable.append(trigger)
        else:
            expected = f"the name of a loaded task ({', '.join(sorted(task_names)) or 'none'})"
            path, advice = f"triggers[{index}].taskName", "Correct it, or list the task's bundle."
            problems.append(invalid("config", path, expected, trigger.task_name, advice))
    return usable, problems


def missing_models(config: Config, manifests: Iterable[Manifest]) -> list[ConfigError]:
    """Return a ``model-unknown`` for each model that a task lists and the configuration lacks."""
    known = ", ".join(config.models) or "none"
    return [
        ConfigError(
            "model-unknown",
            f"task {manifest.name}: expected models of the configuration ({known}), got {model!r}. "
            "Add it under models, or the task's use of it will fail.",
            {"taskName": manifest.name, "model": model},
        )
        for manifest in manifests
        for model in manifest.models
        if model not in config.models
    ]


def missing_keys(
    models: Mapping[str, ModelConfig], task_names: Collection[str]
) -> list[ConfigError]:
    """Return a ``config-invalid`` for each sealed file whose key no loaded task can hold."""
    expected = f"a loaded task with the key ({', '.join(sorted(task_names)) or 'none'})"
    advice = "Correct it, or list the task's bundle; until then the model does not open."
    return [
        invalid("config", f"models.{name}.variants[{index}].sealed.task", expected, at[0], advice)
        for name, model in models.items()
        for index, variant in enumerate(model.variants)
        if (at := variant.key_resource) is not None and at[0] not in task_names
    ]


def missing_fallbacks(manifests: Collection[Manifest]) -> list[ConfigError]:
    """Return a ``task-unknown`` for each fallback on a task that is not there."""
    known = {manifest.name for manifest in manifests}
    return [
        ConfigError(
            "task-unknown",
            f"task {manifest.name}: expected a loaded task as its fallback ("
            f"{', '.join(sorted(known - {manifest.name})) or 'none'}), got {fallback.task!r}. "
            "Correct it, or list the bundle; until then callers get circuit-open.",
            {"taskName": manifest.name, "fallback": fallback.task},
        )
        for manifest in manifests
        if (fallback := manifest.fallback) is not None and fallback.task not in known | {""}
    ]


def not_kept(config: Config, manifests: Collection[Manifest]) -> list[ConfigError]:
    """Return what is missing of models, their keys, fallbacks and breakers to be forced open."""
    task_names = [manifest.name for manifest in manifests]
    return [
        *missing_models(config, manifests),
        *missing_keys(config.models, task_names),
        *missing_fallbacks(manifests),
        *unknown_forced(config, config.models, task_names),
    ]


def unknown_forced(
    config: Config, models: Mapping[str, ModelConfig], task_names: Iterable[str]
) -> list[ConfigError]:
    """Return a ``config-invalid`` for each breaker to be forced open that nothing asks."""
    backends = list(dict.fromkeys(key.partition("-")[0] for key in KEYS))
    known = [f"{name}@{backend}" for name in models for backend in backends]
    known += sorted(task_names)
    expected = f"a loaded task or a model on a backend ({', '.join(known) or 'none'})"
    advice = "Correct it, or nothing is kept from being called."
    return [
        invalid("config", f"scheduler.breaker.forcedOpen[{index}]", expected, name, advice)
        for index, name in enumerate(config.scheduler.breaker.forced_open)
        if name not in known
    ]


def fixed_sections(started: Config, wanted: Config) -> list[ConfigError]:
    """Return a ``config-invalid`` for each section that differs and takes a new start to change.

    A section that ``wanted`` leaves out does not differ.
    """
    sections = ("bundles", "models", "data", "inference", "container", "trust")
    return [
        invalid(
            "config",
            name,
            f"the {name} of the start, or none",
            "others",
            "The triggers are in use; this section will be with the next start.",
        )
        for name in sections
        if getattr(wanted, name) not in (getattr(started, name), getattr(Config(), name))
    ]


def absolute_url(base_url: str, url: str) -> str:
    """Return ``url`` seen from ``base_url``.

    Raises:
        ConfigError: ``config-invalid``: it is no URL.
    """
    try:
        return urljoin(base_url, url)
    except ValueError as error:
        raise invalid("config", "", "a URL", url, f"Correct it: {error}.") from error
