"""`web-runtime new task`: a folder that checks, runs, passes its test and can be packed."""

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from edge_runtime import schema
from edge_runtime.errors import ConfigError

from ..errors import ToolError

# What each template becomes.
_FILES: Final = {
    "task.toml.tmpl": "task.toml",
    "main.py.tmpl": "main.py",
    "test.py.tmpl": "tests/test_$code_name.py",
    "README.md.tmpl": "README.md",
}
_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


def new_task(name: str, folder: Path) -> None:
    """Write the folder of a task.

    Raises:
        ToolError: No task may have this name, or there is something in the folder.
    """
    words = _words_of(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        advice = "Name another with -o, or empty it."
        raise ToolError(f"{folder}: expected a new or empty folder, got one in use. {advice}")
    templates = resources.files(__package__) / "templates" / "task"
    for source, target in _FILES.items():
        path = folder / Template(target).substitute(words)
        text = Template((templates / source).read_text(encoding="utf-8")).substitute(words)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ToolError(f"{path}: expected to write it, got {error}.") from error


def next_steps(folder: Path) -> str:
    """Return what is printed: what to do with the new folder."""
    given, name = shlex.quote(str(folder)), f"{folder.resolve().name}.edge"
    is_here = folder.resolve() == Path.cwd()
    bundle = shlex.quote(f"../{name}" if is_here else name)
    return (
        f"{folder}: a task that counts the views of a page\n"
        f"  web-runtime check {given}\n"
        f"  python -m pytest {given}\n"
        f"  web-runtime run {given}\n"
        f"  web-runtime pack {given} -o {bundle}"
    )


def _words_of(name: str) -> dict[str, str]:
    """Return what stands in the templates for a name, which is checked by the schema."""
    code = _WORD_ENDS.sub("-", name).lower()
    toml = {"name": name, "version": "0.1.0", "system_code": "my-site", "business_code": code}
    try:
        schema.check("task", toml)
    except ConfigError as error:
        expected, got = error.details["expected"], json.dumps(name, ensure_ascii=False)
        text = f"new task: expected {expected}, 1 to 64, a letter first; got {got}."
        raise ToolError(f"{text} Choose another name, such as RankFeed.") from error
    return {"name": name, "code": code, "code_name": code.replace("-", "_")}
