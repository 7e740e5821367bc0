import { describe, expect, test } from 'vitest';

import { addCounts, countLine, countPython, countVitest } from './test-count.mjs';

const report = (changes = {}) => ({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [], ...changes });

describe('the count of vitest', () => {
  test('is that of its report', () => {
    expect(countVitest(report(), 0)).toMatchObject({ passed: 3, failed: 0, skipped: 0 });
    expect(countVitest(report({ numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }), 1)).toMatchObject({ passed: 3, failed: 2, skipped: 2 });
  });

  test('a file that could not be loaded is a failure', () => {
    const broken = { name: 'a.test.ts', status: 'failed', message: 'Cannot find module x\nat y', assertionResults: [] };
    const count = countVitest(report({ testResults: [broken] }), 1);
    expect(count).toMatchObject({ passed: 3, failed: 1 });
    expect(count.reasons).toEqual(['a.test.ts: Cannot find module x']);
  });

  test('a file with a failed test counts that test only', () => {
    const failed = { name: 'a.test.ts', status: 'failed', message: '', assertionResults: [{ status: 'failed' }, { status: 'passed' }] };
    expect(countVitest(report({ numFailedTests: 1, testResults: [failed] }), 1)).toMatchObject({ failed: 1, reasons: [] });
  });

  test('an error outside of every test is a failure, and so is a missing report', () => {
    expect(countVitest(report(), 1)).toMatchObject({ passed: 3, failed: 1 });
    expect(countVitest(null, 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe('the count of the Python tests', () => {
  test('is that of the report, unless the exit status says more', () => {
    expect(countPython({ passed: 4, failed: 0, skipped: 1 }, 0)).toMatchObject({ passed: 4, failed: 0, skipped: 1 });
    expect(countPython({ passed: 4, failed: 2, skipped: 0 }, 1)).toMatchObject({ passed: 4, failed: 2 });
    expect(countPython({ passed: 4, failed: 0, skipped: 0 }, 139)).toMatchObject({ failed: 1 });
    expect(countPython(null, 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});

test('the line adds both up', () => {
  const total = addCounts([countVitest(report(), 0), countPython({ passed: 4, failed: 1, skipped: 0 }, 1)]);
  expect(countLine(total)).toBe('7 passed, 1 failed');
});
