// A client of JobDistributor as its documents describe it, written for these tests: one request at a time on a fresh connection, no sequence numbers, one
// try for a report. What it knows of a server is what a server answers.

export interface OldReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly bytes: Uint8Array;
}

export interface OldRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer> | string | undefined;
}

/** Throws when no answer comes. */
export type OldNetwork = (request: OldRequest) => Promise<OldReply>;

export interface OldJob {
  readonly job_id: number;
  readonly parameters: Record<string, unknown>;
}

const BOUNDARY = '3f6c1d0b7a9e4c52';
const METRICS = {
  ...{ cpu_util: 12.5, ram_util: 50, ram_available: 8, ram_total: 16, worker_type: 'worker', idle_slots: 3, load_1min: 0.5, load_5min: 0.4 },
  ...{ load_15min: 0.3, load_per_cpu: 0.1, disk_io_util: 1, cpu_cores: 4, cpu_threads: 8, cpu_freq_mhz: 2400 },
};

/** The requests of one worker process. */
export class OldClient {
  readonly worker_id: string;
  /** Of the launcher; null standalone. */
  token: string | null;
  /** The newest command that this process has applied. */
  applied_version = 0;
  readonly #network: OldNetwork;

  constructor(network: OldNetwork, worker_id: string, token: string | null) {
    this.#network = network;
    this.worker_id = worker_id;
    this.token = token;
  }

  async send(method: 'GET' | 'POST', path: string, body?: { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> | string }): Promise<OldReply> {
    const headers: Record<string, string> = { 'user-agent': 'python-requests/2.28.1', accept: '*/*', host: '127.0.0.1:5000' };
    if (this.token !== null) headers['authorization'] = `Bearer ${this.token}`;
    if (body !== undefined) {
      headers['content-type'] = body.type;
      headers['content-length'] = String(Buffer.byteLength(body.bytes));
    }
    return this.#network({ method, path, headers, body: body?.bytes });
  }

  json(path: string, value: unknown): Promise<OldReply> {
    return this.send('POST', path, { type: 'application/json', bytes: JSON.stringify(value) });
  }

  /** Busy when a job is named. */
  heartbeat(job: number | null = null, more: Record<string, unknown> = {}): Promise<OldReply> {
    return this.json('/worker/heartbeat', {
      ...{ worker_id: this.worker_id, host: this.worker_id.split('_')[0], machine_type: 'worker' },
      ...{ reported_status: job === null ? 'idle' : 'busy', current_job_id: job, applied_version: this.applied_version },
      ...{ system_metrics: METRICS, jd_worker_version: '1.29.0' },
      ...more,
    });
  }

  done(job: number, message = `Job completed successfully by ${this.worker_id}`): Promise<OldReply> {
    return this.json('/update_job_status', { job_id: job, status: 'DONE', message });
  }

  aborted(job: number, message = 'Job failed with exit code 3. ValueError: no such layer'): Promise<OldReply> {
    return this.json('/update_job_status', { job_id: job, status: 'ABORTED', message });
  }

  upload(job: number, filename: string, bytes: Uint8Array): Promise<OldReply> {
    return this.#form('/upload', { job, field: 'file', filename, bytes });
  }

  checkpoint(job: number, bytes: Uint8Array): Promise<OldReply> {
    return this.#form('/checkpoint', { job, field: 'checkpoint', filename: 'checkpoint.pkl', bytes });
  }

  /** Null when there is none. */
  async latest(job: number): Promise<Uint8Array | null> {
    const reply = await this.send('GET', `/checkpoint/latest?job_id=${job}`);
    if (reply.status === 404) return null;
    if (reply.status !== 200) throw new Error(`checkpoint: ${reply.status}`);
    return reply.bytes;
  }

  stopped(action: 'stop' | 'restart' | 'scale' | 'clear_all', job?: number): Promise<OldReply> {
    return this.json('/workers/cli/stop', { worker_id: this.worker_id, source: 'gpunode', action, ...(job === undefined ? {} : { job_id: job }) });
  }

  #form(path: string, { job, field, filename, bytes }: { job: number; field: string; filename: string; bytes: Uint8Array }): Promise<OldReply> {
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="job_id"\r\n\r\n${job}\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const whole = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
    return this.send('POST', path, { type: `multipart/form-data; boundary=${BOUNDARY}`, bytes: whole });
  }
}

/** A job process on the worker's machine. */
export interface OldProcess {
  /** How it ended: 0 is success. Negative: by a signal. */
  readonly ended: Promise<number>;
  /** SIGTERM. */
  end(): void;
}

export interface OldMachine {
  /** Never resolves once the worker is dead. */
  sleep(ms: number): Promise<void>;
  run(job: OldJob, client: OldClient): OldProcess;
  readonly once?: boolean;
  /** What the server answered to the report of a job. */
  onReport?(job: OldJob, status: number): void;
}

const BUSY_MS = 57_000;
const IDLE_MS = 180_000;
const PAUSE_MS = 3_000;

/** The worker's own loop: idle, job, report, and again. */
export class OldWorker {
  readonly client: OldClient;
  readonly #machine: OldMachine;
  #drained = false;
  #stops = false;

  constructor(client: OldClient, machine: OldMachine) {
    this.client = client;
    this.#machine = machine;
  }

  async loop(): Promise<'stopped' | 'drained' | 'once'> {
    for (;;) {
      if (this.#drained) return 'drained';
      const reply = await this.#beat(null);
      if (reply === null) {
        await this.#machine.sleep(IDLE_MS);
        continue;
      }
      if (this.#stops) {
        await this.#beat(null);
        return 'stopped';
      }
      const job = reply['job'] as OldJob | null;
      if (job !== null) {
        await this.#work(job);
        if (this.#stops) {
          await this.#beat(null);
          return 'stopped';
        }
      }
      if (this.#machine.once === true) return 'once';
      if (job !== null) await this.#machine.sleep(PAUSE_MS);
      else if (!this.#drained) await this.#machine.sleep(typeof reply['heartbeat_interval'] === 'number' ? reply['heartbeat_interval'] * 1000 : IDLE_MS);
    }
  }

  /** Null: no answer, or not 200. */
  async #beat(job: number | null): Promise<Record<string, unknown> | null> {
    const reply = await this.client.heartbeat(job).catch(() => null);
    if (reply?.status !== 200) return null;
    const version = reply.body['desired_version'] as number;
    if (version > this.client.applied_version) {
      this.client.applied_version = version;
      const state = reply.body['desired_state'];
      this.#drained = state === 'drain' || state === 'stop';
      this.#stops = state === 'stop';
    }
    return reply.body;
  }

  async #work(job: OldJob): Promise<void> {
    const process = this.#machine.run(job, this.client);
    let isOver = false;
    const beats = async (): Promise<void> => {
      for (;;) {
        await this.#machine.sleep(BUSY_MS);
        if (isOver) return;
        await this.#beat(job.job_id);
        if (this.#stops) return process.end();
      }
    };
    void beats();
    const code = await process.ended;
    isOver = true;
    const report = this.#stops
      ? this.client.aborted(job.job_id, 'Job aborted by dashboard stop command')
      : code === 0
        ? this.client.done(job.job_id)
        : this.client.aborted(job.job_id, `Job failed with exit code ${code}`);
    const answer = await report.catch(() => null);
    if (answer !== null) this.#machine.onReport?.(job, answer.status);
  }
}
