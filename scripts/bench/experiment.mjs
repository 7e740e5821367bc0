// Experiments and jobs of a benchmark, made through the API.
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 5;
const LONGEST_LOOK_MS = 1_000;

export async function createExperiment(server, name) {
  await server.api.call('POST', '/experiments', { name });
  return name;
}

/** Creates a matrix and waits until every job of it is there. */
export async function createMatrix(server, experiment, { matrix, command = 'true' }) {
  const created = await server.api.call('POST', `/experiments/${experiment}/jobs`, { matrix, command });
  if (created.expanding) await expanded(server, experiment, created.matrix_id);
  return created;
}

export async function expanded(server, experiment, matrixId) {
  for (;;) {
    const matrix = await server.api.call('GET', `/experiments/${experiment}/matrices/${matrixId}`);
    if (matrix.expanded >= matrix.size) return;
    await sleep(LOOK_MS);
  }
}

export async function counts(server, experiment) {
  return (await server.api.call('GET', `/experiments/${experiment}`)).counts;
}

/**
 * Waits until so many jobs of the experiment are done; every end is on disk then. It looks half way to the expected end each time:
 * a look every few milliseconds would take processor time from what is measured.
 */
export async function allDone(server, experiment, number) {
  const began = performance.now();
  let before = null;
  for (;;) {
    const { done, aborted } = await counts(server, experiment);
    if (aborted > 0) throw new Error(`${aborted} jobs of ${experiment} were aborted.`);
    if (done >= number) return;
    before ??= done;
    const left_ms = done === before ? 0 : ((number - done) * (performance.now() - began)) / (done - before);
    await sleep(Math.min(LONGEST_LOOK_MS, Math.max(LOOK_MS, left_ms / 2)));
  }
}

/** `index` × `size` numbers as two params of about the same length. */
export function gridOf(size) {
  const side = Math.ceil(Math.sqrt(size));
  const numbers = (length) => Array.from({ length }, (_, index) => index);
  return { row: numbers(side), column: numbers(Math.ceil(size / side)) };
}
