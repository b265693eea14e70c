"""The demo's models: makes what is missing, lets only files through that config.json names."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from demo_h5.assets import DemoError
from demo_h5.models import make_classifier
from demo_h5.models.packages import FetchError

MODELS: Final = Path(__file__).parent / "models"
BUILT: Final = MODELS / "built"
# Where each model of config.json comes from; `built` is made from a pinned package.
SOURCES: Final = {
    "models/ranker.onnx": MODELS / "ranker.onnx",
    "models/classifier.onnx": BUILT / "classifier.onnx",
    "models/text-detector.onnx": BUILT / "text-detector.onnx",
    "models/text-recogniser.onnx": BUILT / "text-recogniser.onnx",
    "models/sentence.onnx": BUILT / "sentence.onnx",
}


def make_missing() -> None:
    """Make the models and the texts beside them unless they are there.

    Raises:
        DemoError: The pinned weights cannot be had, or the model came out different.
    """
    try:
        for name in make_classifier.OUTPUTS:
            if not make_classifier.is_built(name):
                make_classifier.build(name)
    except (FetchError, ValueError) as error:
        raise DemoError(str(error)) from error


def copy_models(config: Mapping[str, Any], site: Path) -> None:
    """Copy every model of the configuration into the site.

    Raises:
        DemoError: A model is unknown, missing or has another digest.
    """
    (site / "models").mkdir()
    for name, model in config["models"].items():
        for variant in model["variants"]:
            url = variant["url"]
            if url not in SOURCES:
                raise DemoError(
                    f"model {name}: expected one of {', '.join(SOURCES)}, got {url!r}. "
                    "Correct demo_h5/config.json, or say in demo_h5/model_files.py where it is."
                )
            verify_digest(name, SOURCES[url], variant["sha256"])
            shutil.copy(SOURCES[url], site / url)
        if "golden" in model:
            shutil.copy(MODELS / Path(model["golden"]).name, site / model["golden"])


def verify_digest(name: str, model_file: Path, sha256: str) -> None:
    """Refuse a model file that config.json does not name.

    Raises:
        DemoError: The file is missing or has another digest.
    """
    if not model_file.is_file():
        raise DemoError(f"model {name}: expected {model_file}, got no file. Run `make setup`.")
    given = hashlib.sha256(model_file.read_bytes()).hexdigest()
    if given != sha256:
        raise DemoError(
            f"model {name}: expected sha256 {sha256} (demo_h5/config.json), got {given} "
            f"({model_file.name}). If the model is meant to change, write its digest into "
            "demo_h5/config.json; if not, restore the file."
        )
