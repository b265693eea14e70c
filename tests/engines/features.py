"""What the shared suite shows of an engine, as rows of the README's table."""

FEATURES = {
    "boot": "Starts from the memory snapshot, under a strict CSP",
    "click": "A click triggers a Python task, its result is on the page",
    "capture": "Keyboard clicks, routes of a single-page shop, exposures",
    "model": "An ONNX model's numbers, on wasm",
}
