// What the real system says about processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { createHost } from './host.ts';

test('the age of a process is told by the clock of the boot, which nobody sets', async () => {
  const host = createHost();
  const before = performance.now();
  const child = spawn('sleep', ['60']);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const identity = host.identify(child.pid!)!;
  const young = host.age(identity)!;
  // Start times are told to a hundredth of a second, and Node counts from a moment after its own.
  expect(young).toBeLessThan(performance.now() - before + 1_000);
  const own = host.age(host.identify(process.pid)!)!;
  expect(Math.abs(own - process.uptime() * 1000)).toBeLessThan(1_000);
  expect(own).toBeGreaterThan(young);
  // Process 1 is as old as the machine or its container.
  const first = host.identify(1);
  if (first !== null) expect(host.age(first)).toBeGreaterThanOrEqual(own);
  expect(host.age({ ...identity, start_time: null })).toBeNull();
});
