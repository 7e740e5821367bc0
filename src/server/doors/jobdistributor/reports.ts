// How a job ended, and which workers are stopped on their own machine.
import { constants } from 'node:os';

import * as z from 'zod';

import { LIMITS } from '../../../core/limits.ts';
import { Refusal } from '../../../core/refusal.ts';
import { type ReportResult, recordReport, stopDoorWorker } from '../../../store/door-reports.ts';

import { workerCaller } from './caller.ts';
import { type DoorCall, readJson } from './door-call.ts';
import { JobNumber, WorkerId } from './heartbeat.ts';

const Report = z.object({ job_id: JobNumber, status: z.enum(['DONE', 'ABORTED']), message: z.string().nullish() });

export async function handleReport(call: DoorCall): Promise<object> {
  const { sender } = await workerCaller(call.api, call.c, call.gate);
  const { job_id, status, message } = await readJson(call, Report);
  const { store, random } = call.api.context;
  const succeeded = status === 'DONE';
  const text = (message ?? '').slice(0, LIMITS.message_characters.value);
  const report = { number: job_id, succeeded, message: text === '' ? null : text, ...(succeeded ? { exit_code: 0, signal: null } : exitOf(text)) };
  const result = await store.write((tx) => recordReport(tx, sender, { report, terms: { store_id: store.id, key: store.key, random } }));
  if (result === 'recorded' || result === 'repeated') return { message: `Job ${job_id} is ${status}`, job_id, status };
  throw new Refusal('lease_lost', `${WHY[result]} The report changes nothing.`, { job_id });
}

const WHY: Record<Exclude<ReportResult, 'recorded' | 'repeated'>, string> = {
  evidence: 'The job was given to another worker, edited, cancelled, or has ended, after this attempt was given up. It is kept as evidence of the attempt.',
  deleted: 'The job was deleted.',
  unknown: 'The record does not have this attempt.',
};

/** A note of failure tells the exit code; a negative one is the number of a signal. */
function exitOf(message: string): { exit_code: number | null; signal: string | null } {
  const told = /\bexit(?:ed)?(?: with)?(?: code| status)?\D{0,3}?(-?\d{1,3})\b/i.exec(message)?.[1];
  const code = told === undefined ? null : Number(told);
  if (code === null || code > 255) return { exit_code: null, signal: null };
  if (code >= 0) return { exit_code: code, signal: null };
  return { exit_code: null, signal: Object.entries(constants.signals).find(([, number]) => number === -code)?.[0] ?? null };
}

const Action = z.enum(['stop', 'restart', 'scale', 'clear_all']);
const Source = z.string().max(LIMITS.name_characters.value).nullish();
const Stop = z.object({ worker_id: WorkerId, source: Source, action: Action.default('stop'), job_id: JobNumber.nullish() });

export async function handleStop(call: DoorCall): Promise<object> {
  const { sender } = await workerCaller(call.api, call.c, call.gate);
  const { worker_id, action, source } = await readJson(call, Stop);
  const stopped = await call.api.context.store.write((tx) => stopDoorWorker(tx, sender, { told_id: worker_id, reason: reasonOf(action, source) }));
  return { success: true, worker_id, recorded: stopped !== null, job_aborted: stopped?.had_job ?? false };
}

const ClearAll = z.object({
  source: Source,
  workers: z.array(z.object({ worker_id: WorkerId, job_id: JobNumber.nullish() })).max(LIMITS.page_items.value),
});

export async function handleClearAll(call: DoorCall): Promise<object> {
  const { sender } = await workerCaller(call.api, call.c, call.gate);
  const { workers, source } = await readJson(call, ClearAll);
  const results = await call.api.context.store.write(async (tx) => {
    const done: { worker_id: string; recorded: boolean; job_aborted: boolean }[] = [];
    for (const { worker_id } of workers) {
      const stopped = await stopDoorWorker(tx, sender, { told_id: worker_id, reason: reasonOf('clear_all', source) });
      done.push({ worker_id, recorded: stopped !== null, job_aborted: stopped?.had_job ?? false });
    }
    return done;
  });
  return { success: true, processed: results.filter(({ recorded }) => recorded).length, workers: results };
}

function reasonOf(action: z.output<typeof Action>, source: string | null | undefined): string {
  return `${action} on the command line${source === null || source === undefined || source === '' ? '' : ` of ${source}`}`;
}
