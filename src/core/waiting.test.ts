import { expect, test } from 'vitest';

import { explainWait, type WaitingJob, type WaitingPlace } from './waiting.ts';

const GB = 1e9;
const job = (change: Partial<WaitingJob> = {}, demand: Partial<WaitingJob['demand']> = {}): WaitingJob => ({
  ...{ id: 7, experiment: 'tune', held: false, held_since_creation: false, queue_held: false, retry_in_ms: null, before: { count: 0, exact: true } },
  demand: { demand_id: 1, experiment_id: 1, machine_class: null, needs_script: false, cpus: 1, memory_bytes: GB, gpus: 0, ...demand },
  ...change,
});
const place = (change: Partial<WaitingPlace> = {}): WaitingPlace => ({
  ...{
    host: 'gpunode',
    machine_class: 'gpu',
    ...{ has_script: false, script_only: false, barred: false },
    total: { cpus: 8, memory_bytes: 16 * GB, gpus: 2 },
    used: { cpus: 0, memory_bytes: 0, gpus: 0 },
  },
  ...{ ready: 2, free: 1, told: 0, silent: false, kept_for: null },
  ...change,
});

test.each([
  ['held', job({ held: true }), [place()], /^It is held/],
  ['held', job({ held: true, held_since_creation: true }), [place()], /^It was created on hold/],
  ['queue_held', job({ queue_held: true }), [place()], /^The queue of tune is held/],
  ['retry', job({ retry_in_ms: 500 }), [place()], /waits for its time/],
  ['no_worker', job(), [], /^No worker serves tune\. Start one: drover worker start --experiment tune$/],
  ['silent', job(), [place({ silent: true })], /^1 agent of tune went silent/],
  ['no_class', job({}, { machine_class: 'tpu' }), [place(), place({ machine_class: 'cpu' })], /asks for class tpu.*: they have cpu, gpu\.$/],
  ['no_class', job({}, { machine_class: 'tpu' }), [place({ machine_class: null })], /: none has a class\.$/],
  ['no_script', job({}, { needs_script: true }), [place()], /no command, and no worker here was started with a script/],
  ['script_only', job(), [place({ has_script: true, script_only: true })], /brings a command, .* run nothing but their own script/],
  ['barred', job({}, { needs_script: true }), [place({ has_script: true, script_only: true, barred: true })], /a report of it may still come/],
  [
    'too_large',
    job({}, { gpus: 8 }),
    [place(), place({ total: { cpus: 64, memory_bytes: GB, gpus: 4 } })],
    /more GPUs than any machine here has: 8, and the most is 4\./,
  ],
  ['too_large', job({}, { memory_bytes: 32 * GB }), [place()], /more memory .*: 32,000 MB, and the most is 16,000 MB\./],
  ['too_large', job({}, { cpus: 16, gpus: 2 }), [place(), place({ total: { cpus: 64, memory_bytes: GB, gpus: 0 } })], /No machine here has all/],
  ['told', job(), [place({ ready: 0, free: 0, told: 2 })], /^All 2 workers that could take it were told/],
  ['told', job(), [place({ ready: 0, free: 0, told: 1 })], /^The one worker that could take it was told/],
  ['kept', job(), [place(), place({ host: 'large', kept_for: 7 })], /^large is kept free for it/],
  [
    'busy',
    job({ before: { count: 3, exact: true } }, { machine_class: 'gpu' }),
    [place({ free: 0 })],
    /^All 2 workers of class gpu that could take it are busy\. 3 jobs of its kind stand before it\.$/,
  ],
  ['busy', job(), [place({ ready: 1, free: 0 })], /^The one worker that could take it is busy\. It is next\.$/],
  [
    'no_room',
    job({}, { gpus: 1 }),
    [place({ used: { cpus: 1, memory_bytes: 0, gpus: 2 } })],
    /^1 worker is free, but what runs beside leaves too little GPUs\. It is next\.$/,
  ],
  ['queue', job({ before: { count: 1_000, exact: false } }), [place()], /^More than 1,000 jobs of its kind stand before it\. 1 worker is free\.$/],
  ['next', job(), [place()], /^It is next: a free worker/],
] as const)('%s', (reason, waiting, places, sentence) => {
  const wait = explainWait(waiting, places);
  expect(wait.reason).toBe(reason);
  expect(wait.sentence).toMatch(sentence);
});

test('says how many workers could take it, and how many of them are free', () => {
  const places = [place(), place({ told: 1 }), place({ machine_class: 'cpu', free: 2 }), place({ silent: true })];
  expect(explainWait(job({}, { machine_class: 'gpu' }), places)).toMatchObject({ able: 5, free: 2 });
});
