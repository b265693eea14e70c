"""An engine that does not start to the end leaves nothing behind."""

import os
from pathlib import Path

import pytest

from .engines.driver import EngineError
from .engines.firefox import Firefox

# Up, by its own word, and deaf: nothing listens on the discard port.
DEAF = """#!/bin/sh
echo "$$ $HOME" > "{told}"
echo "WebDriver BiDi listening on ws://127.0.0.1:9"
exec sleep 600
"""


def test_a_firefox_that_cannot_be_reached_ends_with_its_profile(tmp_path: Path) -> None:
    program, told = tmp_path / "firefox", tmp_path / "told"
    program.write_text(DEAF.format(told=told))
    program.chmod(0o755)

    with pytest.raises(EngineError, match="expected to connect"):
        Firefox(str(program))

    number, profile = told.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)
    assert not Path(profile).exists()
