"""Runs the unittest suites under python/tests and writes the counts as JSON to the file named by the first argument."""

import json
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CountingResult(unittest.TextTestResult):
    """Counts tests, not sub-tests: a test with failing sub-tests is one failed test."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.broken = set()

    def addError(self, test, err):
        super().addError(test, err)
        self.broken.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.broken.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.broken.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.broken.add(test.id())


def main(report):
    sys.path.insert(0, str(ROOT / "python" / "src"))
    tests = ROOT / "python" / "tests"
    started = time.monotonic()
    suite = unittest.defaultTestLoader.discover(str(tests), top_level_dir=str(tests)) if tests.is_dir() else unittest.TestSuite()
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1, resultclass=CountingResult).run(suite)
    failed, skipped = len(result.broken), len(result.skipped)
    # A module that cannot be set up fails without any of its tests having run.
    passed = max(0, result.testsRun - failed - skipped)
    counts = {"passed": passed, "failed": failed, "skipped": skipped, "seconds": round(time.monotonic() - started, 3)}
    Path(report).write_text(json.dumps(counts) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
