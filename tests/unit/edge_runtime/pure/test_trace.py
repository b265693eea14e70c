"""What a trace says of a task."""

from edge_runtime.pure.manifest import from_task_toml
from edge_runtime.pure.trace import described_task


def test_a_task_is_described_without_its_code() -> None:
    toml = {"name": "A", "version": "1", "system_code": "s", "business_code": "b", "models": ["m"]}

    described = described_task(from_task_toml(toml, {"main.py": b""}))

    assert described["name"] == "A" and described["priority"] == "regular"
    assert not described.keys() & {"files", "entry", "models", "packages", "format"}
