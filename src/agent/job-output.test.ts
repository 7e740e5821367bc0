// Copying what jobs print into the logs of their workers, from real files.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { manualClock, type ManualClock } from '../../test/support/manual-clock.ts';
import { LIMITS } from '../core/limits.ts';
import type { Attempt } from './attempt-life.ts';
import { createJobOutput, type JobOutput } from './job-output.ts';
import { createSecretMask } from './secret-mask.ts';

describe('the output of a job in the log of its worker', () => {
  let directory: string;
  let clock: ManualClock;
  let printed: string[];
  let output: JobOutput;
  let attempt: Attempt;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'drover-output-'));
    clock = manualClock();
    printed = [];
    output = createJobOutput(clock, (slot, stream, line) => printed.push(`${slot} ${stream} ${line}`));
    attempt = { directory, slot: 3, phase: 'running', mask: null } as Attempt;
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (name: 'stdout' | 'stderr', text: string): void => appendFileSync(join(directory, name), text);
  const second = (): string[] => {
    clock.advance(1_000);
    return printed.splice(0);
  };

  test('comes line by line, both streams, also lines that are written in parts', () => {
    output.follow(attempt);
    write('stdout', 'epoch 1\nepo');
    write('stderr', 'warning: ü\n');
    expect(second()).toEqual(['3 stdout epoch 1', '3 stderr warning: ü']);
    write('stdout', 'ch 2\n');
    expect(second()).toEqual(['3 stdout epoch 2']);
    expect(second()).toEqual([]);
  });

  test('a character that is torn apart by the moment of reading comes whole', () => {
    output.follow(attempt);
    const bytes = Buffer.from('ü\n');
    appendFileSync(join(directory, 'stdout'), bytes.subarray(0, 1));
    expect(second()).toEqual([]);
    appendFileSync(join(directory, 'stdout'), bytes.subarray(1));
    expect(second()).toEqual(['3 stdout ü']);
  });

  test('what is left comes at the end, also a last line without its end, and nothing after it', () => {
    output.follow(attempt);
    write('stdout', 'done\nlast');
    output.finish(attempt);
    expect(printed.splice(0)).toEqual(['3 stdout done', '3 stdout last']);
    write('stdout', 'of the next attempt in these files\n');
    expect(second()).toEqual([]);
  });

  test('of a progress bar only what stands there last', () => {
    output.follow(attempt);
    write('stderr', ' 10%|#   |\r 50%|##  |\r100%|####|\r\n');
    expect(second()).toEqual(['3 stderr 100%|####|']);
  });

  test('what an earlier process of the agent copied is not copied again', () => {
    write('stdout', 'before\n');
    output.skip(attempt);
    output.follow(attempt);
    write('stdout', 'after\n');
    expect(second()).toEqual(['3 stdout after']);
  });

  test('a flood costs a bounded piece, and says what is missing', () => {
    output.follow(attempt);
    const most = LIMITS.worker_log_piece_bytes.value;
    write('stdout', `${'x'.repeat(99)}\n`.repeat(10_000));
    const lines = second();
    expect(lines[0]).toBe(`3 stdout … ${1_000_000 - most} bytes are left out here; the dashboard and \`drover job log\` have them`);
    expect(lines.length).toBeLessThan(most / 100 + 3);
    write('stdout', `${'y'.repeat(10_000)}\n`);
    expect(second()).toEqual([`3 stdout ${'y'.repeat(LIMITS.worker_log_line_characters.value)}…`]);
  });

  test('something else in the place of the file is left alone', () => {
    mkdirSync(join(directory, 'stdout'));
    output.follow(attempt);
    write('stderr', 'still read\n');
    expect(second()).toEqual(['3 stderr still read']);
    output.finish({ ...attempt, directory: null } as Attempt);
    writeFileSync(join(directory, 'pid'), '');
    output.finish(attempt);
    expect(printed).toEqual([]);
  });

  describe('of a job with secrets', () => {
    const withMask = (): Attempt => ({ ...attempt, mask: createSecretMask({ TOKEN: 'token-1234' }) }) as Attempt;

    test('is masked, also when a secret comes in parts, and lets a quiet end go', () => {
      const job = withMask();
      output.follow(job);
      write('stdout', 'a token-1234 b\nhalf tok');
      expect(second()).toEqual(['3 stdout a ********** b']);
      write('stdout', 'en-1234 end\ntok\n');
      expect(second()).toEqual(['3 stdout half ********** end', '3 stdout tok']);
      write('stdout', 'tok');
      expect([...second(), ...second(), ...second()]).toEqual([]);
      write('stdout', 'yo\n');
      expect(second()).toEqual(['3 stdout tokyo']);
    });

    test('is masked at its end, and after an agent took it over in the middle of a secret', () => {
      write('stdout', 'begun token-');
      const job = withMask();
      output.skip(job);
      output.follow(job);
      write('stdout', '1234 and token');
      job.phase = 'ended';
      output.finish(job);
      expect(printed).toEqual(['3 stdout **** and token']);
    });
  });
});
