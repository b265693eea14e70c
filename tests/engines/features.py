"""What the shared suite shows of an engine, as rows of the README's table."""

FEATURES = {
    "boot": "starts from the memory snapshot, under a strict content security policy",
    "idle": "waits until the page is idle",
    "click": "a click triggers a Python task, its result is on the page",
    "capture": "clicks by keyboard, routes of a single-page shop, exposures, going back",
    "picture": "a task decodes a picture",
    "model": "an ONNX model computes on wasm",
    "isolated": "the same on a cross-origin isolated page",
    "webgpu": "a model meant for WebGPU",
    "failure": "a task that raises, and one that never ends, end alone",
    "vms": "tasks in a VM of their own, by default",
    "durable": "events and values outlive the page, sealed in IndexedDB",
    "tabs": "two tabs: one writes, the other takes over",
    "ports": "contracts of storage, crypto, network, pictures, engine, VMs: every check",
    "trust": "signed bundles run, changed ones do not",
    "other-origin": "files and workers from another origin",
    "consent": "nothing before consent, everything erased after it is taken back",
    "stop": "`stop()` leaves one name, and it starts again",
    "unsupported": "without workers or WebAssembly it says so and refuses",
}
