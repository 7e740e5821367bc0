// Who is to blame when a job cannot be started.
import { expect, test } from 'vitest';

import type { LeaseShape } from '../contract/index.ts';
import { startFailure } from './job-process.ts';

const lease = { experiment: 'tune', number: 7 } as LeaseShape;
const failed = (code: string): Error => Object.assign(new Error(`${code}: no luck`), { code });

test.each(['ENOSPC', 'ENOENT', 'ENOTCONN', 'ETIMEDOUT', 'EACCES'])('%s is told of the machine: the job is given back', (code) => {
  expect(startFailure(failed(code), lease)).toMatchObject({ fault: 'machine', message: `Job tune/7 could not be started here: ${code}: no luck.` });
});

test.each(['ENOTDIR', 'EEXIST', 'E2BIG'])('%s is told of the job, which fails alone', (code) => {
  expect(startFailure(failed(code), lease).fault).toBe('job');
});
