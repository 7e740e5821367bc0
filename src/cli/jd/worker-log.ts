// `worker-logs`: the end of a worker's log on this machine, and what is written from then on.
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { CliFailure, EXIT, usageError } from '../failure.ts';
import { write } from '../output.ts';
import { showable } from '../terminal-text.ts';
import { agentsHere, namedExperiment, oneWorker, settingsOf, type Call } from './call.ts';

const USUAL_LINES = 50;
const LOOK_MS = 200;
/** How often it is looked whether the worker is still there. */
const WORKER_LOOK_MS = 2_000;
const PIECE_BYTES = 256 * 1024;

export async function printWorkerLog(call: Call): Promise<void> {
  const { context, line, session } = call;
  const { follow = false, lines: count = USUAL_LINES } = line.values;
  if (follow && context.output.mode !== 'table') throw usageError('follow=true prints what is written; it does not go with json=true or quiet=true.');
  const { worker_id, log_file: path } = await findLog(call);
  const begun = readEnd(path);
  if (begun === null) throw new CliFailure(EXIT.not_found, `${worker_id} has written no log yet; it will be ${path}`);
  const lines = lastLines(`${older(path, begun, count)}${begun.toString('utf8')}`, count);
  if (!follow) {
    await context.output.show({
      json: { worker_id, log_file: path, lines },
      ids: lines,
      blocks: lines.length === 0 ? [] : [{ text: shown(call, lines.join('\n')) }],
    });
    return;
  }
  if (lines.length > 0) await write(session.dependencies.stdout, `${shown(call, lines.join('\n'))}\n`);
  await followLog(call, { worker_id, path, from: begun.length });
}

async function findLog(call: Call): Promise<{ worker_id: string; log_file: string }> {
  try {
    return await oneWorker(call, { dead: true });
  } catch (error) {
    // One that was pruned long ago may have left its log where logs are.
    const [id] = call.line.words;
    if (!(error instanceof CliFailure) || error.exit_code !== EXIT.not_found || id === undefined || !/^[\w-]+$/.test(id)) throw error;
    const { workspace, log_dir: logs } = await settingsOf(call.context);
    const { home } = call.session.dependencies;
    const path = join(logs ?? join(workspace ?? home, 'jd_data', await namedExperiment(call), 'jd_worker_logs'), `jd_worker_${id}.log`);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) throw error;
    return { worker_id: id, log_file: path };
  }
}

/** The file before this one, when this one alone has too few lines. */
function older(path: string, begun: Buffer, count: number): string {
  return begun.filter((byte) => byte === 10).length >= count ? '' : (readEnd(`${path}.1`)?.toString('utf8') ?? '');
}

function readEnd(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

function lastLines(text: string, count: number): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
}

/** Until Ctrl-C, or until the worker has gone and nothing more comes. */
async function followLog(call: Call, { worker_id, path, from }: { worker_id: string; path: string; from: number }): Promise<void> {
  const { clock, stdout, onInterrupt } = call.session.dependencies;
  const over = new AbortController();
  const release = onInterrupt(() => over.abort());
  try {
    let at = from;
    let looked = clock.monotonic();
    while (!over.signal.aborted) {
      const piece = readFrom(path, at);
      at = piece.at;
      if (piece.text !== '') await write(stdout, shown(call, piece.text));
      else if (clock.monotonic() - looked > WORKER_LOOK_MS) {
        looked = clock.monotonic();
        if (!(await isHere(call, worker_id))) return call.context.output.note(`${worker_id} has left.`);
      }
      if (!piece.more) await clock.sleep(LOOK_MS, over.signal);
    }
  } finally {
    release();
  }
}

/** A file that became smaller is a new one: it is read from its beginning. Only whole lines, so that no character is torn apart. */
function readFrom(path: string, from: number): { text: string; at: number; more: boolean } {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    const { size } = fstatSync(descriptor);
    const start = size < from ? 0 : from;
    const bytes = Buffer.alloc(Math.min(PIECE_BYTES, size - start));
    const read = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, start));
    const whole = read.subarray(0, read.lastIndexOf(10) + 1);
    return { text: whole.toString('utf8'), at: start + whole.length, more: whole.length > 0 && start + read.length < size };
  } catch {
    return { text: '', at: from, more: false };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

async function isHere(call: Call, id: string): Promise<boolean> {
  const agents = await agentsHere(call, await namedExperiment(call));
  return agents.some(({ workers }) => workers.some((worker) => worker.worker_id === id && worker.status !== 'stopped'));
}

/** On a terminal, what jobs print must not steer it. */
function shown(call: Call, text: string): string {
  return call.session.dependencies.stdout.isTTY === true ? showable(text) : text;
}
