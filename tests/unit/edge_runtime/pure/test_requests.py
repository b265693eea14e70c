"""Calls of the page: what is accepted, and what each refusal says."""

from typing import Any

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.requests import InferRequest, parse_infer_request
from edge_runtime.types import Priority

CALL = {"callId": 1, "systemCode": "demo", "businessCode": "rank"}


def test_a_call_needs_its_id_and_its_two_codes_only() -> None:
    assert parse_infer_request(CALL) == InferRequest(1, "demo", "rank")
    absent = {"extData": None, "priority": None, "timeoutMs": None, "supersedeKey": None}
    assert parse_infer_request({**CALL, **absent}) == InferRequest(1, "demo", "rank")


def test_a_full_call_keeps_everything() -> None:
    full = {**CALL, "extData": {"photo": b"x"}, "priority": "core", "timeoutMs": 500}
    full["supersedeKey"] = "sidebar"

    assert parse_infer_request(full) == InferRequest(
        1, "demo", "rank", {"photo": b"x"}, Priority.CORE, 500, "sidebar"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"callId": "1"}, 'infer.callId: expected an integer, got "1" (string).'),
        ({"callId": True}, "infer.callId: expected an integer, got true (boolean)."),
        ({"systemCode": ""}, "infer.systemCode: expected text of 1 to 256 characters, got"),
        ({"businessCode": None}, "infer.businessCode: expected text of 1 to 256 characters, got"),
        ({"extData": [1]}, "infer.extData: expected an object, got [1] (array)."),
        ({"priority": "high"}, "infer.priority: expected one of core, regular, low, got"),
        ({"priority": []}, "infer.priority: expected one of core, regular, low, got"),
        ({"timeoutMs": 0}, "infer.timeoutMs: expected milliseconds above 0, at most 600000, got"),
        ({"timeoutMs": float("nan")}, "infer.timeoutMs: expected milliseconds above 0"),
        ({"timeoutMs": "5"}, "infer.timeoutMs: expected milliseconds above 0"),
        ({"supersedeKey": 5}, "infer.supersedeKey: expected text of at most 256 characters, got 5"),
        ({"supersedeKey": "x" * 257}, "infer.supersedeKey: expected text of at most 256"),
        ({"bussinessCode": "x"}, "infer: expected only the fields callId, systemCode"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wrong_field_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_infer_request({**CALL, **change})

    assert refused.value.code == "argument-invalid"
    assert refused.value.message.startswith(message)


def test_a_call_that_is_no_object_is_refused() -> None:
    with pytest.raises(ConfigError, match="infer: expected an object, got null"):
        parse_infer_request(None)


def test_a_trace_keeps_a_call_without_the_callers_data() -> None:
    params = {"callId": 0, "systemCode": "s", "businessCode": "b", "timeoutMs": 5}

    request = parse_infer_request({**params, "extData": {"secret": 1}})

    assert request.to_dict() == params
    assert parse_infer_request(request.to_dict()).timeout_ms == 5
