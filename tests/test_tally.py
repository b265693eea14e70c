"""What the last line of a test run says."""

from tests.__main__ import Tally, tally_of_junit, tally_of_tap

REPORT = b"""<testsuites><testsuite>
  <testcase classname="tests.a" name="passes"/>
  <testcase classname="tests.b" name="passes"/>
  <testcase classname="tests.a" name="fails"><failure/></testcase>
  <testcase classname="tests.a" name="is_skipped"><skipped/></testcase>
  <testcase classname="tests.a" name="ends_badly"/>
  <testcase classname="tests.a" name="ends_badly"><error/></testcase>
  <testcase classname="tests.a" name="passes_again"/>
  <testcase classname="tests.a" name="passes_again"/>
  <testcase classname="tests.a" name="fails_again"/>
  <testcase classname="tests.a" name="fails_again"><failure/></testcase>
</testsuite></testsuites>"""


def test_a_test_counts_once_however_often_it_was_tried() -> None:
    assert tally_of_junit(REPORT) == Tally(passed=3, failed=3)


def test_what_node_cancelled_has_failed() -> None:
    assert tally_of_tap("# pass 4\n# fail 1\n# cancelled 2\n# skipped 5\n") == Tally(4, 3)


def test_a_runner_that_ends_badly_without_a_failure_has_failed() -> None:
    assert Tally(4).ended_with(2) == Tally(4, 1)
    assert Tally(4, 1).ended_with(1) == Tally(4, 1)
    assert str(Tally(4) + Tally(1, 2)) == "5 passed, 2 failed"
