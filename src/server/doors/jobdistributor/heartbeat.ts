// `POST /worker/heartbeat`: a worker says what it does, and is told what to do and, if it is free, given a job.
import * as z from 'zod';

import { CLASS_NAME, WORKER_ID } from '../../../core/identifiers.ts';
import { BUSY_SECONDS, CONFIRM_SECONDS, IDLE_SECONDS } from '../../../core/old-client.ts';
import { pickWord } from '../../../runtime/ids.ts';
import { heartbeat, type HeartbeatAnswer } from '../../../store/door-heartbeat.ts';
import type { ToldWorker } from '../../../store/door-workers.ts';

import { workerCaller } from './caller.ts';
import { type DoorCall, readJson } from './door-call.ts';
import { readMetrics } from './system-metrics.ts';

export const WorkerId = z.string().regex(WORKER_ID, 'a worker id is {host}_{instance}_{slot}, e.g. gpunode_egg_0');
/** Such clients speak of jobs by their number in the experiment; theirs began at 0, ours begin at 1. */
export const JobNumber = z.int().min(0).max(999_999_999_999_999);

const Heartbeat = z
  .object({
    worker_id: WorkerId.optional(),
    /** Its former name. */
    requested_by: WorkerId.optional(),
    machine_type: z.string().max(200).nullish(),
    reported_status: z.unknown(),
    current_job_id: JobNumber.nullish(),
    applied_version: z.int().min(0).max(1_000_000_000).nullish(),
    system_metrics: z.record(z.string(), z.unknown()).nullish(),
    jd_worker_version: z.string().max(200).nullish(),
  })
  .refine((body) => body.worker_id !== undefined || body.requested_by !== undefined, { path: ['worker_id'], message: 'It is missing.' });

export async function handleHeartbeat(call: DoorCall): Promise<object> {
  const caller = await workerCaller(call.api, call.c, call.gate);
  const body = await readJson(call, Heartbeat);
  const { store, random } = call.api.context;
  const said = {
    worker: toldWorker(body),
    is_busy: body.reported_status === 'busy',
    job: body.current_job_id ?? null,
    applied_version: body.applied_version ?? 0,
    metrics: readMetrics(body.system_metrics ?? {}),
  };
  const terms = { sync: { store_id: store.id, key: store.key, random }, nextWord: () => pickWord(random()) };
  return shown(await store.write((tx) => heartbeat(tx, caller.sender, { said, terms })), said.is_busy);
}

function toldWorker({ worker_id, requested_by, machine_type, jd_worker_version }: z.output<typeof Heartbeat>): ToldWorker {
  const [, host, instance, slot] = WORKER_ID.exec((worker_id ?? requested_by)!)!;
  const machine_class = machine_type !== undefined && machine_type !== null && CLASS_NAME.test(machine_type) ? machine_type : null;
  const version = (jd_worker_version ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, MOST_VERSION);
  return { host: host!, instance: instance!, slot: Number(slot), machine_class, version: version === '' ? 'jd-worker' : `jd-worker ${version}` };
}

const MOST_VERSION = 40;

/** How newer clients wait and repeat; older ones do not read it. */
const RETRY = { control_chunk: 60, status_retry_count: 8, status_retry_base_delay: 5, status_retry_max_delay: 120 };

function shown(answer: HeartbeatAnswer, isBusy: boolean): object {
  const { desired_state, desired_version, applied_version, job, soon } = answer;
  const seconds = soon ? CONFIRM_SECONDS : isBusy || job !== null ? BUSY_SECONDS : IDLE_SECONDS;
  return {
    ...{ desired_state, desired_version, applied_version, pending: desired_version > applied_version },
    job: job === null ? null : { job_id: job.number, parameters: JSON.parse(job.params_json) as unknown, status: 'SERVED' },
    ...{ heartbeat_interval: seconds, poll_interval: seconds, ...RETRY },
  };
}
