"""An engine that does not start to the end leaves nothing behind."""

import os
from pathlib import Path

import pytest

from .engines.driver import EngineError
from .engines.firefox import Firefox

TELL = """#!/bin/sh
echo "$$ $HOME" > "{told}"
"""
# Up, by its own word, and deaf: nothing listens on the discard port.
DEAF = """
echo "WebDriver BiDi listening on ws://127.0.0.1:9"
exec sleep 600
"""


@pytest.mark.parametrize(
    ("script", "error"), [(DEAF, "expected to connect"), ("exit 1", "expected it to start")]
)
def test_a_firefox_that_does_not_come_up_ends_with_its_profile(
    tmp_path: Path, script: str, error: str
) -> None:
    program, told = tmp_path / "firefox", tmp_path / "told"
    program.write_text(TELL.format(told=told) + script)
    program.chmod(0o755)

    with pytest.raises(EngineError, match=error):
        Firefox(str(program))

    number, profile = told.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)
    assert not Path(profile).exists()
