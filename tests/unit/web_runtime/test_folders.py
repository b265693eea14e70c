"""A folder takes another's place, all of it."""

from pathlib import Path

import pytest

from web_runtime.folders import replace_folder


@pytest.mark.parametrize("old", [(), ("a", "gone")], ids=["none", "another"])
def test_the_new_folder_is_all_there_is(tmp_path: Path, old: tuple[str, ...]) -> None:
    target, fresh = tmp_path / "site" / "dist", tmp_path / "temporary" / "dist"
    fresh.mkdir(parents=True)
    (fresh / "a").write_text("new")
    for name in old:
        target.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("old")

    replace_folder(target, fresh)

    assert {path.name: path.read_text() for path in target.iterdir()} == {"a": "new"}
    assert not fresh.exists()
