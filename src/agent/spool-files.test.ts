import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { eventually } from '../../test/support/eventually.ts';
import { createLog } from '../runtime/log.ts';
import { createSpoolFiles } from './spool-files.ts';

const MIB = 2 ** 20;

it('goes on giving space back after a file that was removed just before', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-spool-'));
  context.onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'stdout');
  writeFileSync(path, Buffer.alloc(MIB, 1), { flush: true });
  try {
    execFileSync('fallocate', ['-p', '-o', '0', '-l', '4096', path], { stdio: 'pipe' });
  } catch {
    context.skip('this disk takes no holes');
  }
  const files = createSpoolFiles(createLog({ name: 'test', level: 'silent', format: 'text' }));
  files.punch(directory, 'stderr', MIB);
  // Each try is heard of later; the last one counts.
  await eventually(() => {
    files.punch(directory, 'stdout', MIB / 2);
    expect(statSync(path).blocks * 512).toBeLessThanOrEqual(MIB / 2);
  });
  await new Promise((heard) => setImmediate(heard));
  files.punch(directory, 'stdout', MIB);
  await eventually(() => expect(statSync(path)).toMatchObject({ size: MIB, blocks: 0 }));
});
