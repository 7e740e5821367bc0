import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { findChromium } from './chromium.mjs';

const folder = mkdtempSync(join(tmpdir(), 'drover-chromium-'));
const program = join(folder, 'chromium');
const other = join(folder, 'other');
for (const path of [program, other]) {
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
}
writeFileSync(join(folder, 'not-executable'), '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('Chromium is found in the path', () => {
  expect(findChromium({ PATH: `/nowhere::${folder}` })).toBe(program);
});

test('CHROMIUM_PATH goes before the path, and is not replaced by a guess when it is wrong', () => {
  expect(findChromium({ PATH: folder, CHROMIUM_PATH: other })).toBe(other);
  expect(findChromium({ PATH: folder, CHROMIUM_PATH: join(folder, 'not-executable') })).toBeNull();
});

test('without any there is none', () => {
  expect(findChromium({ PATH: '/nowhere' })).toBeNull();
  expect(findChromium({})).toBeNull();
});
