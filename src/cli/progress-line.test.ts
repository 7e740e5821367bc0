import { expect, test } from 'vitest';

import type { Clock } from '../runtime/clock.ts';
import { addProgress, createProgressLine, emptyProgress } from './progress-line.ts';
import { memoryStream } from './stage.suite.ts';

function clockAt(time: { now: number }): Clock {
  return { now: () => time.now, monotonic: () => time.now, after: () => ({ cancel: () => {} }), sleep: () => Promise.resolve() };
}

test('outside a terminal a line is printed at changes, not too often, and always at the end', () => {
  const time = { now: 0 };
  const stream = memoryStream();
  const line = createProgressLine({ clock: clockAt(time), env: {} }, stream);
  let progress = emptyProgress();
  for (let ended = 0; ended <= 10; ended += 1) {
    progress = addProgress(progress, { at: time.now, ended, total: 10 });
    line.update({ label: 'digits', ended, total: 10, details: ['1 running'], progress });
    line.update({ label: 'digits', ended, total: 10, details: ['1 running'], progress });
    time.now += 2_000;
  }
  line.finish();
  expect(stream.text().trimEnd().split('\n')).toEqual([
    'digits: 0/10, 1 running',
    'digits: 3/10, 1 running, about 14s left',
    'digits: 6/10, 1 running, about 8s left',
    'digits: 9/10, 1 running, about 2s left',
    'digits: 10/10, 1 running',
  ]);
});

test('on a terminal the line is redrawn in place, fits the screen, and a message goes above it', () => {
  const stream = memoryStream({ isTTY: true, columns: 40 });
  const line = createProgressLine({ clock: clockAt({ now: 0 }), env: { NO_COLOR: '1' } }, stream);
  const progress = emptyProgress();
  line.update({ label: 'a-rather-long-name', ended: 5, total: 10, details: ['2 running'], progress });
  line.say('Something happened.');
  line.finish();
  const [first, second, third] = stream.text().split('\n');
  expect(first).toBe('\r\u001b[2K██████████░░░░░░░░░░ a-rather-long-nam…\r\u001b[2KSomething happened.');
  expect(second).toBe('██████████░░░░░░░░░░ a-rather-long-nam…');
  expect(third).toBe('');
});

test('jobs that go back into the queue start the estimate anew', () => {
  let progress = addProgress(emptyProgress(), { at: 0, ended: 0, total: 10 });
  progress = addProgress(progress, { at: 1000, ended: 8, total: 10 });
  progress = addProgress(progress, { at: 2000, ended: 3, total: 10 });
  expect(progress.samples).toEqual([{ at: 2000, ended: 3 }]);
});
