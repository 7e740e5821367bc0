// Counts tests from the reports of the runners, so that the last line of `npm test` is what really happened.
import { readFileSync } from 'node:fs';

/**
 * Counts of vitest's JSON report. A file that could not be loaded has no tests to count, and an error outside of any test
 * shows only in the exit status: each is one failure.
 */
export function countVitest(report, exitStatus) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0, reasons: ['vitest wrote no report'] };
  const broken = report.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  const reasons = broken.map((file) => `${file.name}: ${(file.message ?? '').split('\n')[0]}`);
  const failed = report.numFailedTests + broken.length;
  if (failed === 0 && exitStatus !== 0) reasons.push(`vitest ended with status ${exitStatus} although no test failed`);
  return { passed: report.numPassedTests, failed: reasons.length > broken.length ? 1 : failed, skipped: report.numPendingTests + report.numTodoTests, reasons };
}

/** Counts of run-python-tests.py. */
export function countPython(report, exitStatus) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0, reasons: ['the Python tests wrote no report'] };
  const hidden = report.failed === 0 && exitStatus !== 0;
  return { ...report, failed: hidden ? 1 : report.failed, reasons: hidden ? [`the Python tests ended with status ${exitStatus}`] : [] };
}

export function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

export function addCounts(counts) {
  const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), reasons: counts.flatMap((count) => count.reasons) };
}

/** The line that continuous integration reads. */
export function countLine({ passed, failed }) {
  return `${passed} passed, ${failed} failed`;
}
