"""The README's table of engines has the suite's rows and columns, and only words that it says."""

import re
from pathlib import Path

import pytest

from .engines.features import FEATURES
from .engines.found import KINDS, Kind
from .engines.results import FAILED, PASSED, Results
from .engines.table import BEGIN, END, README, TableError, table_of, written

SUITE = Path(__file__).parent / "engines"
VERSIONS = {kind.name: "1.2.3" for kind in KINDS}


def whole() -> Results:
    results = Results(VERSIONS)
    for kind in KINDS:
        for feature in FEATURES:
            results.add(kind, feature, passed=True)
    return results


def without_versions(table: str) -> list[str]:
    head, *rest = table.splitlines()
    return [re.sub(r" \d+\.\d+", "", head), *rest]


def test_the_readme_has_the_table_of_a_whole_run() -> None:
    table = README.read_text().split(BEGIN)[1].split(END)[0]

    assert without_versions(table) == without_versions(table_of(whole()))


def test_every_feature_is_shown_by_a_test_and_nothing_else() -> None:
    sources = "".join(path.read_text() for path in SUITE.glob("test_*.py"))

    assert set(re.findall(r'mark\.feature\("([a-z-]+)"\)', sources)) == set(FEATURES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_an_engine_lacks_is_about_features(kind: Kind) -> None:
    assert set(kind.words) <= set(FEATURES)


def test_a_case_that_failed_has_the_last_word_about_its_feature() -> None:
    results, kind = Results(), KINDS[0]

    for passed in (True, False, True):
        results.add(kind, "boot", passed=passed)
    results.add(kind, "click", passed=True)

    assert results.cells == {kind.name: {"boot": FAILED, "click": PASSED}}


def test_a_feature_without_a_row_is_no_feature() -> None:
    with pytest.raises(ValueError, match="'flying'"):
        Results().add(KINDS[0], "flying", passed=True)


def test_no_table_is_made_of_half_a_run(tmp_path: Path) -> None:
    results = whole()
    del results.cells[KINDS[-1].name]["boot"]
    results.write(tmp_path / "results" / "engines.json")

    with pytest.raises(TableError, match=f"{KINDS[-1].name}: boot"):
        table_of(Results.read(tmp_path / "results" / "engines.json"))


def test_the_table_replaces_the_one_before() -> None:
    assert written(f"a{BEGIN}old{END}b", "new\n") == f"a{BEGIN}new\n{END}b"
