"""Devices by name, as the probe tells them."""

from typing import Any, Final

from edge_runtime.pure.device import DeviceFacts

NO_WEBGPU: Final = {"reason": "this browser or page does not offer it"}
NO_WEBNN: Final = {"reason": "this browser or page does not offer it"}
ALL_WEBNN: Final[dict[str, Any]] = {"devices": {"cpu": {}, "gpu": {}, "npu": {}}}
WEBNN_CPU: Final = {
    "devices": {
        "cpu": {},
        "gpu": {"reason": "the browser gave the CPU's in its place"},
        "npu": {"reason": "the browser gave the CPU's in its place"},
    }
}


def adapter(vendor: str, *features: str, fallback: bool = False) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "architecture": "",
        "description": "",
        "fallback": fallback,
        "features": [*features],
        "maxBufferBytes": 2**28,
        "maxStorageBytes": 2**27,
    }


PLAIN: Final[dict[str, dict[str, Any]]] = {
    "desktop chrome": {
        "isolated": True,
        "cores": 8,
        "memoryGb": 8,
        "simd": True,
        "relaxedSimd": True,
        "jspi": True,
        "evalAllowed": True,
        "engine": "blink",
        "browserVersion": "147.0.7727.55",
        "mobile": False,
        "webgpu": adapter("nvidia", "shader-f16"),
        "webnn": NO_WEBNN,
    }
}


def _variation(name: str, **changes: Any) -> None:
    PLAIN[name] = {**PLAIN["desktop chrome"], **changes}


_variation(
    "test chromium",
    cores=2,
    webgpu=adapter("google", "shader-f16", fallback=True),
    webnn=WEBNN_CPU,
)
_variation("chrome with everything", webnn=ALL_WEBNN)
_variation("strict policy", webnn=ALL_WEBNN, evalAllowed=False)
_variation("not isolated", isolated=False)
_variation("gpu without f16", webgpu=adapter("intel"))
_variation("no simd", simd=False, webnn=ALL_WEBNN)
_variation("small notebook", cores=2, memoryGb=4)
_variation(
    "low-end web view",
    isolated=False,
    cores=8,
    memoryGb=2,
    browserVersion="121.0.0.0",
    jspi=False,
    mobile=True,
    webgpu=adapter("qualcomm"),
)
_variation(
    "mini-program",
    isolated=False,
    memoryGb=8,
    relaxedSimd=False,
    jspi=False,
    browserVersion="116.0.0.0",
    mobile=True,
    webgpu=NO_WEBGPU,
)
_variation(
    "firefox",
    memoryGb=None,
    jspi=False,
    engine="gecko",
    browserVersion="153.0",
    webgpu=adapter("amd"),
)
_variation(
    "iphone 17",
    cores=4,
    memoryGb=None,
    relaxedSimd=False,
    jspi=False,
    engine="webkit",
    browserVersion="17.5",
    mobile=True,
    webgpu=NO_WEBGPU,
)
_variation(
    "iphone 26",
    cores=4,
    memoryGb=None,
    jspi=False,
    engine="webkit",
    browserVersion="26.3",
    mobile=True,
    webgpu=adapter("apple", "shader-f16"),
)
_variation(
    "mac safari 26",
    memoryGb=None,
    jspi=False,
    engine="webkit",
    browserVersion="26.3",
    webgpu=adapter("apple", "shader-f16"),
)
_variation(
    "mac safari 16",
    memoryGb=None,
    jspi=False,
    engine="webkit",
    browserVersion="16.6",
    webgpu=NO_WEBGPU,
)

DEVICES: Final = {name: DeviceFacts.from_plain(plain) for name, plain in PLAIN.items()}
