"""Writes what the suite found into the README: ``python -m tests.engines.table [RESULTS]``.

The suite leaves its results in ``test-results/engines.json``; only whole ones become a table.
"""

import sys
from pathlib import Path

from .features import FEATURES
from .found import KINDS
from .results import RESULTS, Results

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- engines -->\n", "<!-- /engines -->"


class TableError(Exception):
    """There is nothing that a whole table could be made of."""


def table_of(results: Results) -> str:
    """Return the table as Markdown: a column for each engine, a row for each feature.

    Raises:
        TableError: An engine was not tested, or not with every feature.
    """
    names = [kind.name for kind in KINDS]
    missing = [
        f"{name}: {feature}"
        for name in names
        for feature in FEATURES
        if feature not in results.cells.get(name, {})
    ]
    if missing:
        raise TableError(
            f"results: expected every feature on every engine, got none for {'; '.join(missing)}. "
            'Run `make engines`, then `make test ARGS="tests/engines"`.'
        )
    head = [_heading(name, results.versions[name]) for name in names]
    rows = [
        [words, *(results.cells[name][feature] for name in names)]
        for feature, words in FEATURES.items()
    ]
    return "".join(
        f"| {' | '.join(row)} |\n" for row in (["", *head], ["---"] * (1 + len(names)), *rows)
    )


def written(text: str, table: str) -> str:
    """Return a document with the table between its marks.

    Raises:
        ValueError: It has no marks.
    """
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table}{END}{after}"


def _heading(name: str, version: str) -> str:
    engine, _, how = name.partition(",")
    return f"{engine} {'.'.join(version.split('.')[:2])}{',' if how else ''}{how}"


def main(arguments: list[str]) -> int:
    """Write the README's table from a results file."""
    path = Path(arguments[0]) if arguments else RESULTS
    try:
        table = table_of(Results.read(path))
    except (OSError, TableError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    README.write_text(written(README.read_text(), table))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
