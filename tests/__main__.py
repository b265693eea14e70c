"""Every test, or some of them: ``python -m tests [pytest's arguments]`` (``make test``).

Arguments go to pytest, which then runs alone; those that name ``tests/shim`` go to Node instead.
The last line sums both: ``N passed, N failed``. Exit code 1 if a test failed or none ran.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
SHIM = "tests/shim"
NOTHING_COLLECTED = 5


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests passed, and how many did not."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"

    def ended_with(self, code: int) -> "Tally":
        """Count a runner that ended badly without a failed test as a failure of its own."""
        return self + Tally(failed=1) if code and not self.failed else self


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for and print the sum."""
    shim = [argument for argument in arguments if argument.startswith(SHIM)]
    rest = [argument for argument in arguments if argument not in shim]
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        if rest or not shim:
            tally += run_pytest(rest, Path(folder) / "pytest.xml")
        if shim or not rest:
            tally += run_node(node_files(shim or [SHIM]), Path(folder) / "node.tap")
    sys.stdout.write(f"\n{tally}\n")
    return 0 if tally.passed and not tally.failed else 1


def run_pytest(arguments: list[str], report: Path) -> Tally:
    """Run pytest on this terminal and count."""
    command = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"]
    code = run(command)
    tally = tally_of_junit(report.read_bytes()) if report.is_file() else Tally()
    return tally.ended_with(0 if code == NOTHING_COLLECTED else code)


def run_node(files: list[str], report: Path) -> Tally:
    """Run Node's test runner on this terminal and count."""
    if not files:
        return Tally()
    reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    reporters += ["--test-reporter=tap", f"--test-reporter-destination={report}"]
    code = run(["node", "--test", *reporters, *files])
    tally = tally_of_tap(report.read_text("utf-8")) if report.is_file() else Tally()
    return tally.ended_with(code)


def node_files(targets: list[str]) -> list[str]:
    """Return the test files that the targets name or hold; a target that is none stays as it is."""
    files: list[str] = []
    for target in targets:
        path = ROOT / target
        inside = sorted(path.rglob("*.test.js")) if path.is_dir() else [path]
        files += [str(file.relative_to(ROOT)) for file in inside]
    return files


def tally_of_junit(report: bytes) -> Tally:
    """Count the tests of pytest's JUnit report; errors are failures, skipped ones are neither.

    One that was tried twice has an element for each try, of which only the last may be a failure.
    """
    outcomes: dict[tuple[str, str], set[str]] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        test = (case.attrib["classname"], case.attrib["name"])
        outcomes.setdefault(test, set()).update(child.tag for child in case)
    failed = sum(bool(each & {"failure", "error"}) for each in outcomes.values())
    passed = sum(not each & {"failure", "error", "skipped"} for each in outcomes.values())
    return Tally(passed, failed)


def tally_of_tap(report: str) -> Tally:
    """Count from the sums that Node writes at the end of its TAP report."""
    sums = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", report, re.M)}
    return Tally(sums.get("pass", 0), sums.get("fail", 0) + sums.get("cancelled", 0))


def run(command: list[str]) -> int:
    """Run a command in the checkout, on this terminal, and return its exit code."""
    sys.stdout.flush()
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except FileNotFoundError:
        sys.stderr.write(f"tests: expected {command[0]} on PATH, got none. Install it.\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
