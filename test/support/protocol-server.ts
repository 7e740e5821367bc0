// A small server that speaks the agent protocol over real sockets and keeps everything in memory: the outside of the agent.
// It checks each request against the contract, and what an agent may never do: an older sync, two ends of one attempt.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import {
  contract,
  toProblem,
  type ExecutionShape,
  type FinishedAttemptShape,
  type LeaseShape,
  type RunningAttemptShape,
  type SyncReplyShape,
} from '../../src/contract/index.ts';
import { Refusal } from '../../src/core/refusal.ts';
import type { DesiredState } from '../../src/core/worker.ts';

export interface NewJob {
  readonly command?: string | null;
  readonly params?: LeaseShape['params'];
  readonly timeout_seconds?: number | null;
  readonly grace_seconds?: number;
}

export interface ServedAttempt {
  readonly lease: LeaseShape;
  readonly secret: string;
  /** When an agent first listed or ended it. */
  confirmed: boolean;
  running: RunningAttemptShape | null;
  end: FinishedAttemptShape | null;
  /** Ends that were reported after the first. */
  repeats: number;
  /** As what the agent says that it was run. */
  execution: ExecutionShape | null;
  logs: { stdout: Buffer; stderr: Buffer; holes: { stream: string; from: number; length: number }[] };
  metrics: { name: string; value: number | string; step: number | null; offset: number }[];
  metrics_end: number;
  progress: { done: number; total: number } | null;
}

export interface ServedJob {
  readonly number: number;
  readonly attempts: ServedAttempt[];
  status: 'pending' | 'running' | 'done' | 'aborted';
  cancel: boolean;
  readonly job: NewJob;
}

interface Poll {
  readonly reply: (value: SyncReplyShape) => void;
  readonly timer: NodeJS.Timeout;
}

interface ServedAgent {
  readonly id: number;
  secret: string;
  readonly host: string;
  readonly instance: string;
  workers: number;
  seq: number;
  incarnation: string;
  poll: Poll | null;
  free_slots: readonly number[];
  desired: Map<number, { state: DesiredState; version: number; applied: number }>;
  left: boolean;
  superseded: boolean;
  revoked: boolean;
}

export interface StoredFile {
  readonly job: number;
  readonly kind: string;
  readonly name: string;
  readonly content: Buffer;
  readonly key: string | null;
}

export type ProtocolServer = Awaited<ReturnType<typeof startProtocolServer>>;

export const API_KEY = 'jd_test';
const EXPERIMENT = 'digits-tune';

export async function startProtocolServer(options: { port?: number } = {}) {
  const jobs: ServedJob[] = [];
  const agents: ServedAgent[] = [];
  const files: StoredFile[] = [];
  const sockets = new Set<Socket>();
  const problems: string[] = [];
  const facts = { syncs: 0, aborted: 0, away: false, refuse_uploads: false, port: 0 };

  const attemptsOf = (agent: ServedAgent): ServedAttempt[] => jobs.flatMap((job) => job.attempts.filter((each) => each.secret === agent.secret));
  const jobOf = (lease: { job_id: number }): ServedJob => jobs[lease.job_id - 1]!;

  function find(reference: { job_id: number; attempt: number; token: string }): ServedAttempt {
    const attempt = jobs[reference.job_id - 1]?.attempts[reference.attempt - 1];
    if (attempt?.lease.token !== reference.token) throw new Refusal('lease_lost', 'The token is not of this attempt.');
    return attempt;
  }

  function assign(agent: ServedAgent): LeaseShape[] {
    const leases: LeaseShape[] = [];
    for (const slot of agent.free_slots) {
      if ((agent.desired.get(slot)?.state ?? 'run') !== 'run') continue;
      const job = jobs.find((each) => each.status === 'pending');
      if (job === undefined) break;
      const number = job.attempts.length + 1;
      const { command = null, params = {}, timeout_seconds = null, grace_seconds = 5 } = job.job;
      const token = `t${job.number}-${number}-${Math.random().toString(36).slice(2, 12)}`;
      const lease = {
        job_id: job.number,
        experiment: EXPERIMENT,
        number: job.number,
        attempt: number,
        rank: 0,
        token,
        slot,
        params,
        command,
        machine: null,
        timeout_seconds,
        grace_seconds,
      };
      job.status = 'running';
      job.attempts.push({
        ...{ lease, secret: agent.secret, confirmed: false, running: null, end: null, repeats: 0 },
        ...{ logs: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), holes: [] }, metrics: [], metrics_end: 0, progress: null, execution: null },
      });
      leases.push(lease);
    }
    agent.free_slots = agent.free_slots.filter((slot) => !leases.some((lease) => lease.slot === slot));
    return leases;
  }

  function settle(end: FinishedAttemptShape): SyncReplyShape['settled'][number] {
    const attempt = find(end);
    const job = jobOf(end);
    const { job_id, attempt: number, rank } = end;
    if (attempt.end !== null) {
      attempt.repeats += 1;
      return { job_id, attempt: number, rank, result: 'repeated' };
    }
    attempt.end = end;
    attempt.running = null;
    attempt.confirmed = true;
    job.status = end.outcome === 'succeeded' ? 'done' : end.outcome === 'released' || end.outcome === 'lost' ? 'pending' : 'aborted';
    return { job_id, attempt: number, rank, result: 'recorded' };
  }

  function compose(agent: ServedAgent, extra: Partial<SyncReplyShape>): SyncReplyShape {
    const own = attemptsOf(agent);
    const unconfirmed = own.filter((each) => !each.confirmed && each.end === null).map((each) => each.lease);
    const revoked = own
      .filter((each) => each.end === null && jobOf(each.lease).cancel)
      .map(({ lease }) => ({ job_id: lease.job_id, attempt: lease.attempt, rank: 0, reason: 'cancelled' as const }));
    return {
      ...{ store_id: 'store-1', store_position: facts.syncs, now: new Date().toISOString(), next_sync_within_seconds: 30, superseded: agent.superseded },
      ...{ leases: [...unconfirmed, ...assign(agent)], settled: [], revoked, unknown: [], ...extra },
      workers: [...agent.desired].map(([slot, want]) => ({
        slot,
        worker_id: `${agent.host}_${agent.instance}_${slot}`,
        desired_state: want.state,
        desired_version: want.version,
      })),
    };
  }

  function hasWord(agent: ServedAgent, reply: SyncReplyShape): boolean {
    return (
      reply.leases.length + reply.settled.length + reply.revoked.length > 0 ||
      agent.superseded ||
      [...agent.desired.values()].some((want) => want.version > want.applied)
    );
  }

  function answerPoll(agent: ServedAgent): void {
    if (agent.poll === null) return;
    const reply = compose(agent, {});
    if (!hasWord(agent, reply)) return;
    clearTimeout(agent.poll.timer);
    agent.poll.reply(reply);
    agent.poll = null;
  }

  function sync(agent: ServedAgent, body: unknown): Promise<SyncReplyShape> {
    const request = contract.agents.sync.body.parse(body);
    facts.syncs += 1;
    if (agent.poll !== null) {
      clearTimeout(agent.poll.timer);
      agent.poll.reply({ ...compose({ ...agent, free_slots: [] }, {}), leases: [] });
      agent.poll = null;
    }
    if (request.incarnation === agent.incarnation && request.sync_seq <= agent.seq) throw new Refusal('stale_sync', `${request.sync_seq} after ${agent.seq}`);
    if (request.sync_seq <= agent.seq) problems.push(`sync_seq ${request.sync_seq} of a new incarnation is not above ${agent.seq}`);
    agent.seq = request.sync_seq;
    agent.incarnation = request.incarnation;
    agent.left = false;
    agent.free_slots = request.free_slots;
    for (const { slot, applied_version } of request.workers) {
      const want = agent.desired.get(slot);
      if (want !== undefined) want.applied = applied_version;
    }
    for (const running of request.running) {
      const attempt = find(running);
      attempt.running = running;
      attempt.confirmed = true;
    }
    for (const { place, attempts } of request.executions ?? []) {
      for (const { job_id, attempt, rank: _, token, variables, ...own } of attempts)
        find({ job_id, attempt, token }).execution = { ...place, ...own, variables: { ...place.variables, ...variables } };
    }
    const reply = compose(agent, { settled: request.finished.map(settle) });
    if (request.wait_seconds === 0 || hasWord(agent, reply)) return Promise.resolve(reply);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        agent.poll = null;
        resolve(compose(agent, {}));
      }, request.wait_seconds * 1000);
      agent.poll = { reply: resolve, timer };
    });
  }

  function takeLogs(body: unknown) {
    const { chunks } = contract.agents.logs.body.parse(body);
    const ends = chunks.map((chunk) => {
      const { logs } = find(chunk);
      const data = chunk.data === undefined ? Buffer.alloc(chunk.dropped_bytes ?? 0, '~') : Buffer.from(chunk.data, 'base64');
      const have = logs[chunk.stream].length;
      if (chunk.offset <= have && chunk.offset + data.length > have) {
        if (chunk.dropped_bytes !== undefined) logs.holes.push({ stream: chunk.stream, from: chunk.offset, length: data.length });
        logs[chunk.stream] = Buffer.concat([logs[chunk.stream], data.subarray(have - chunk.offset)]);
      }
      return { job_id: chunk.job_id, attempt: chunk.attempt, rank: chunk.rank, stream: chunk.stream, end: logs[chunk.stream].length };
    });
    return { ends };
  }

  function takeMetrics(body: unknown) {
    const { batches } = contract.agents.metrics.body.parse(body);
    const ends = batches.map((batch) => {
      const attempt = find(batch);
      const reply = { job_id: batch.job_id, attempt: batch.attempt, rank: batch.rank };
      if (batch.from > attempt.metrics_end) return { ...reply, end: attempt.metrics_end };
      attempt.metrics.push(
        ...batch.points.filter((point) => point.offset >= attempt.metrics_end).map(({ name, value, step, offset }) => ({ name, value, step, offset })),
      );
      attempt.metrics_end = Math.max(attempt.metrics_end, batch.to);
      attempt.progress = batch.progress ?? attempt.progress;
      return { ...reply, end: attempt.metrics_end };
    });
    return { ends };
  }

  function register(body: unknown) {
    const input = contract.agents.register.body.parse(body);
    const agent: ServedAgent = {
      ...{ id: agents.length + 1, secret: `jda_${agents.length + 1}`, host: 'testhost', instance: input.instance, workers: input.workers },
      ...{ seq: 0, incarnation: '', poll: null, free_slots: [], desired: new Map(), left: false, superseded: false, revoked: false },
    };
    agents.push(agent);
    return { agent_id: agent.id, secret: agent.secret, ...names(agent) };
  }

  function names(agent: ServedAgent) {
    const worker_ids = Array.from({ length: agent.workers }, (_, slot) => `${agent.host}_${agent.instance}_${slot}`);
    return { host: agent.host, instance: agent.instance, worker_ids, store_id: 'store-1' };
  }

  function agentOf(request: IncomingMessage): ServedAgent {
    const agent = agents.find((each) => `Bearer ${each.secret}` === request.headers.authorization);
    if (agent === undefined) throw new Refusal('unauthenticated', 'Unknown secret.');
    if (agent.revoked) throw new Refusal('agent_revoked', 'This agent was revoked.');
    return agent;
  }

  function storeFile(request: IncomingMessage, content: Buffer, name: string) {
    const match = /^Bearer jdt_(\d+)\.(\d+)\.(\d+)\.(.+)$/.exec(request.headers.authorization ?? '');
    if (match === null) throw new Refusal('unauthenticated', 'No job token.');
    find({ job_id: Number(match[1]), attempt: Number(match[2]), token: match[4]! });
    if (facts.refuse_uploads) throw new Refusal('too_large', 'The file is too large.');
    files.push({ job: Number(match[1]), kind: name === '' ? 'checkpoint' : 'artifact', name, content, key: String(request.headers['idempotency-key'] ?? '') });
    return { success: true, filename: name === '' ? 'checkpoint' : name, version: files.length - 1, size_bytes: content.length };
  }

  async function route(request: IncomingMessage, content: Buffer): Promise<unknown> {
    const path = (request.url ?? '').replace('/api/v1', '');
    const upload = /^\/attempt\/artifacts\/(.+)$/.exec(path);
    if (upload !== null) return storeFile(request, content, decodeURIComponent(upload[1]!));
    if (path === '/attempt/checkpoint') return storeFile(request, content, '');
    const body = JSON.parse(content.toString()) as unknown;
    if (path === '/agents') {
      if (request.headers.authorization !== `Bearer ${API_KEY}`) throw new Refusal('unauthenticated', 'Wrong key.');
      return register(body);
    }
    const agent = agentOf(request);
    if (path === '/agent') {
      agent.workers = contract.agents.update.body.parse(body).workers;
      return { agent_id: agent.id, ...names(agent) };
    }
    if (path === '/agent/sync') return sync(agent, body);
    if (path === '/agent/logs') return takeLogs(body);
    if (path === '/agent/metrics') return takeMetrics(body);
    if (path !== '/agent/leave') throw new Refusal('not_found', path);
    agent.left = true;
    return { left: true };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    let status = 200;
    let reply: unknown;
    try {
      reply = await route(request, Buffer.concat(parts));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal('invalid_input', String(error));
      if (!(error instanceof Refusal)) problems.push(`${request.url}: ${String(error)}`);
      const problem = toProblem(refusal);
      [status, reply] = [problem.status, problem];
    }
    if (response.destroyed) facts.aborted += 1;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }

  const server = createServer((request, response) => {
    if (facts.away) return void request.socket.destroy();
    void handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  facts.port = (server.address() as AddressInfo).port;

  return {
    ...{ url: `http://127.0.0.1:${facts.port}`, experiment: EXPERIMENT, jobs, agents, files, problems, facts },
    addJob(job: NewJob): ServedJob {
      const added: ServedJob = { number: jobs.length + 1, attempts: [], status: 'pending', cancel: false, job };
      jobs.push(added);
      agents.forEach(answerPoll);
      return added;
    },
    cancel(job: ServedJob): void {
      job.cancel = true;
      agents.forEach(answerPoll);
    },
    tell(agent: ServedAgent, slot: number, state: DesiredState): void {
      const version = (agent.desired.get(slot)?.version ?? 0) + 1;
      agent.desired.set(slot, { state, version, applied: version - 1 });
      answerPoll(agent);
    },
    /** What hangs is answered as if nothing were to say; the next call is refused. */
    revoke(agent: ServedAgent): void {
      agent.revoked = true;
      if (agent.poll === null) return;
      clearTimeout(agent.poll.timer);
      agent.poll.reply({ ...compose({ ...agent, free_slots: [] }, {}), leases: [] });
      agent.poll = null;
    },
    supersede(agent: ServedAgent): void {
      agent.superseded = true;
      answerPoll(agent);
    },
    /** Every connection breaks, and none is taken until it is back. */
    goAway(away: boolean): void {
      facts.away = away;
      for (const socket of away ? sockets : []) socket.destroy();
    },
    async stop(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
