// Where the agent's own log goes: a file of bounded size, or the terminal. A full disk loses log lines, never the agent.
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { createLog, type Log } from '../runtime/log.ts';
import { experimentsName, type InstanceRecord, type LaunchSettings } from './registry.ts';

const LARGEST_FILE = 10_000_000;

export function logFilePath(launch: LaunchSettings, workerId: string): string {
  const first = launch.experiments === null ? experimentsName(null) : (launch.experiments[0] ?? experimentsName(null));
  return join(launch.log_dir ?? join(launch.data, first, 'jd_worker_logs'), `jd_worker_${workerId}.log`);
}

export function createAgentLog(record: Pick<InstanceRecord, 'log_file' | 'launch'>, place: 'file' | 'terminal'): Log {
  const write = place === 'terminal' ? (text: string): void => tryWrite(2, text) : fileWriter(record.log_file);
  return createLog({ name: 'agent', level: record.launch.log_level, format: 'text', destination: { write } });
}

/** For the output of a background process that has not opened its log, and of a crash. */
export function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
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

/** One older file is kept beside the newest. */
function fileWriter(path: string): (text: string) => void {
  let descriptor: number | null = null;
  let size = 0;
  return (text) => {
    try {
      if (descriptor !== null && size > LARGEST_FILE) {
        closeSync(descriptor);
        descriptor = null;
        renameSync(path, `${path}.1`);
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

function tryWrite(descriptor: number, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The terminal is gone.
  }
}
