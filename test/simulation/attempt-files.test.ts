// What may be left on an agent's disk at the end of a run: only what a restored record has never heard of.
import { expect, test } from 'vitest';

import { leftAttempts } from './attempt-files.ts';
import { Disk } from './disk.ts';
import { Ledger, type Execution } from './ledger.ts';
import { Machine } from './machine.ts';
import { World } from './world.ts';

const LEASE = { job_id: 8, experiment: 'tune', number: 8, attempt: 2, rank: 0, token: 'nonce678signature' };

/** An agent that has this lease on its disk; the record was put back at 2,000 to what it was at 1,000, when it knew five jobs. */
function stage() {
  const world = new World('files', null);
  const disk = new Disk(world, new Machine(world, 'm1', { skew_ms: 0, rate: 1 }));
  const directory = '/sim/m1/jd_data/tune/.drover/8.2.nonce678';
  disk.makeDirectory(directory, true);
  disk.append(disk.create(`${directory}/lease.json`), Buffer.from(JSON.stringify({ lease: LEASE })));
  const ledger = new Ledger();
  ledger.restores.push({ at: 2_000, to: 1_000, newest_job: 5 });
  const left = (): number[] => leftAttempts(disk, { machine: 'm1', ledger }).map(({ number }) => number);
  const starts = (started: number): void => {
    const token = 'jdt_8.2.0.nonce678signature';
    const execution: Pick<Execution, 'token' | 'job_id' | 'attempt' | 'started'> = { token, job_id: 8, attempt: 2, started };
    ledger.begin(execution as Execution);
  };
  return { ledger, left, starts };
}

test('a lease that was given out before the record was put back may stay, even if the reply with it came afterwards', () => {
  const { ledger, left, starts } = stage();
  ledger.noteGrant({ job_id: 8, attempt: 2, rank: 0, nonce: 'nonce678' }, 1_500);
  starts(3_000);
  expect(left()).toEqual([]);
});

test('a lease that was given out since then must be delivered, whether it began or not', () => {
  const { ledger, left, starts } = stage();
  ledger.noteGrant({ job_id: 8, attempt: 2, rank: 0, nonce: 'nonce678' }, 2_500);
  expect(left()).toEqual([8]);
  starts(3_000);
  expect(left()).toEqual([8]);
});
