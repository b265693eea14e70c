"""Try the built classifier on the sample photos: ``python -m demo_h5.models.measure_classifier``.

Writes ``classifier.metrics.json`` and ``classifier.golden.json``. ImageNet accuracy is not measured
here: no package ships those pictures.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from edge_runtime.pure.generated_feeds import gradient
from numpy.typing import NDArray
from PIL import Image

from demo_h5.models.efficientnet import SIDE_PIXELS
from demo_h5.models.golden import flat, golden, write_golden
from demo_h5.models.make_classifier import BUILT_DIR
from demo_h5.models.make_photos import PHOTOS_DIR
from demo_h5.models.packages import MODELS_DIR, sha256_of

METRICS_FILE = MODELS_DIR / "classifier.metrics.json"
GOLDEN_FILE = MODELS_DIR / "classifier.golden.json"
GRADIENTS = ([1, 1, 85], [3, 0, 40], [0, 5, 128])
TOP = 3
# The weights are exact; float32 sums are not, and SIMD widths differ between backends.
GOLDEN_TOLERANCE = 1e-3


def session(model: bytes) -> ort.InferenceSession:
    """Open a model on one CPU thread, so that sums are always added in the same order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def pixels(path: Path) -> NDArray[np.uint8]:
    """Return the middle square of a picture as uint8 [1, 224, 224, 3], scaled bilinearly."""
    with Image.open(path) as picture:
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
    size = (SIDE_PIXELS, SIDE_PIXELS)
    return np.asarray(square.resize(size, Image.Resampling.BILINEAR), np.uint8)[None]


def recognise(
    classifier: ort.InferenceSession, labels: list[str], image: NDArray[np.uint8]
) -> list[dict[str, Any]]:
    """Return the most likely classes of an image, best first."""
    (probabilities,) = classifier.run(["probs"], {"image": image})
    best = np.argsort(-probabilities[0])[:TOP]
    return [
        {
            "index": int(index),
            "name": labels[index],
            "probability": round(float(probabilities[0, index]), 4),
        }
        for index in best
    ]


def main() -> None:
    """Recognise every photo and record the probabilities of a few gradients."""
    model = (BUILT_DIR / "classifier.onnx").read_bytes()
    labels = json.loads((BUILT_DIR / "labels.json").read_text(encoding="utf-8"))
    photos = json.loads((PHOTOS_DIR / "photos.json").read_text(encoding="utf-8"))
    classifier = session(model)
    rows = []
    for photo in photos:
        top = recognise(classifier, labels, pixels(PHOTOS_DIR / photo["file"]))
        expected = photo["expected"]
        correct = top[0]["index"] in {expected["index"], *expected["alsoRight"]}
        rows.append({"file": photo["file"], "correct": correct, "top": top})
    facts = {"file": "classifier.onnx", "sha256": sha256_of(model), "bytes": len(model)}
    metrics = {"model": facts, "onnxruntime": ort.__version__, "photos": rows}
    METRICS_FILE.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    cases = []
    for coefficients in GRADIENTS:
        image = gradient(coefficients, (1, SIDE_PIXELS, SIDE_PIXELS, 3)).numpy()
        (probabilities,) = classifier.run(["probs"], {"image": image})
        inputs = {"image": {"gradient": coefficients}}
        cases.append({"inputs": inputs, "outputs": {"probs": flat(probabilities)}})
    write_golden(GOLDEN_FILE, golden(model, GOLDEN_TOLERANCE, cases))


if __name__ == "__main__":
    main()
