// Where the agent's own log goes: a file of bounded size, or the terminal. A full disk loses log lines, never the agent.
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { LIMITS } from '../core/limits.ts';
import type { Clock } from '../runtime/clock.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import type { PrintLine } from './job-output.ts';
import { experimentsName, type InstanceRecord, type LaunchSettings } from './registry.ts';
import { createWorkerLogs } from './worker-logs.ts';

export function logFilePath(launch: LaunchSettings, workerId: string): string {
  const first = launch.experiments === null ? experimentsName(null) : (launch.experiments[0] ?? experimentsName(null));
  return join(launch.log_dir ?? join(launch.data, first, 'jd_worker_logs'), `jd_worker_${workerId}.log`);
}

export interface AgentLog {
  readonly log: Log;
  /** For what jobs print; null when it is copied nowhere. */
  readonly print: PrintLine | null;
}

export function createAgentLog(
  record: Pick<InstanceRecord, 'log_file' | 'launch' | 'worker_ids'>,
  place: 'file' | 'terminal',
  clock: Pick<Clock, 'now'>,
): AgentLog {
  const create = (format: 'text' | 'json', write: (text: string) => void): Log =>
    createLog({ name: 'agent', level: record.launch.log_level, format, destination: { write } });
  if (!record.launch.worker_logs) return { log: create('text', place === 'terminal' ? (text) => tryWrite(2, text) : fileWriter(record.log_file)), print: null };
  const logs = createWorkerLogs({
    paths: new Map(record.worker_ids.map((id) => [id, logFilePath(record.launch, id)])),
    append: appendRotating,
    ...(place === 'terminal' ? { mirror: (text: string): void => tryWrite(1, text) } : {}),
  });
  return { log: create('json', logs.write), print: (slot, stream, line) => logs.print(record.worker_ids[slot] ?? '', { stream, line, at: clock.now() }) };
}

/** For the output of a background process that has not opened its log, and of a crash. */
export function openLogFile(path: string): number {
  makeDirectories(dirname(path));
  return openSync(path, 'a', 0o600);
}

/** The last lines of a log, for a message about a start that failed. */
export function lastLines(path: string, count: number): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

/** Keeps the file open: an agent writes often. One older file stays beside it. */
function fileWriter(path: string): (text: string) => void {
  let descriptor: number | null = null;
  let size = 0;
  return (text) => {
    try {
      if (descriptor !== null && size > LIMITS.worker_log_bytes.value) {
        closeSync(descriptor);
        descriptor = null;
        renameSync(path, olderFile(path));
      }
      if (descriptor === null) {
        descriptor = openLogFile(path);
        size = fstatSync(descriptor).size;
      }
      writeSync(descriptor, text);
      size += text.length;
    } catch {
      // Nowhere to complain to.
    }
  };
}

/** Opens the file for each piece: an agent may have more workers than a process has open files. */
function appendRotating(path: string, text: string): void {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LIMITS.worker_log_bytes.value) renameSync(path, olderFile(path));
    const descriptor = openLogFile(path);
    try {
      writeSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Nowhere to complain to.
  }
}

export function olderFile(path: string): string {
  return `${path}.1`;
}

function tryWrite(descriptor: number, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The terminal is gone.
  }
}
