// The life of one attempt on this machine: prepared, running, perhaps told to stop, ended. It decides what the end means;
// it knows nothing of the server, and of processes only what the runner tells.
import type { ExecutionPlaceShape, FinishedAttemptShape, LeaseShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso, type Clock, type Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { NEW_STATE, type AttemptState, type AttemptStore, type Intent, type StoredAttempt } from './attempt-store.ts';
import { startFailure, type JobProcess, type ProcessEnd, type ProcessRunner } from './job-process.ts';
import { createSecretMask, MASK_ALL, type SecretMask } from './secret-mask.ts';

export interface Attempt {
  readonly lease: LeaseShape;
  readonly slot: number;
  phase: 'waiting' | 'preparing' | 'running' | 'ended';
  /** Null until the lease is on disk, and for ever when it could not be written. */
  directory: string | null;
  /** Milliseconds since 1970. */
  started_at: number | null;
  state: AttemptState;
  end: FinishedAttemptShape | null;
  /** The server has the end on disk, or wants to hear no end. */
  settled: boolean;
  /** The job was deleted: nothing of this attempt is wanted any more. */
  unwanted: boolean;
  /** The server was told of it before it had started: the start itself is then news. */
  told_unstarted: boolean;
  /** Where it was begun; null until the lease is on disk. */
  place: ExecutionPlaceShape | null;
  /** Null until it runs. */
  process_id: number | null;
  /** The server was told as what it was run. */
  execution_told: boolean;
  /** Hides its secrets in all that leaves the agent; null: it has none. */
  readonly mask: SecretMask | null;
}

export interface AttemptPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: AttemptStore;
  readonly runner: ProcessRunner;
  readonly workerId: (slot: number) => string;
  readonly onStarted: (attempt: Attempt) => void;
  readonly onEnded: (attempt: Attempt) => void;
  /** The machine could not prepare or start a job. */
  readonly onMachineFault: (message: string) => void;
}

export interface Lives {
  begin(lease: LeaseShape, slot: number): Attempt;
  /** Keeps a lease whose slot is not free yet; nothing of it is on disk until it proceeds. */
  wait(lease: LeaseShape, slot: number): Attempt;
  /** Begins one that waited. */
  proceed(attempt: Attempt): void;
  adopt(stored: StoredAttempt): Attempt;
  /** Gives a lease back without ever starting it. */
  decline(lease: LeaseShape, slot: number, message: string): Attempt;
  /** SIGTERM, grace, SIGKILL. The first reason stays; `grace_seconds` may shorten what an earlier call gave. */
  stop(attempt: Attempt, intent: Intent, options: { readonly message: string; readonly grace_seconds?: number }): void;
  /** Takes note of something that must be known after a restart of the agent. */
  note(attempt: Attempt, change: Partial<AttemptState>): void;
  /** Stops all timers; processes go on. */
  abandon(): void;
}

type NewAttempt = Pick<Attempt, 'lease' | 'slot' | 'directory' | 'started_at' | 'state' | 'place'> & Pick<StoredAttempt, 'secrets_lost'>;

/** What runs inside one attempt, beside the facts that others may read. */
interface Inside {
  process: JobProcess | null;
  monotonic_start: number | null;
  timeout: Timer | null;
  kill: Timer | null;
  kill_at: number;
}

/** Why the server had a job stopped. */
export const REVOKED = {
  cancelled: 'The job was cancelled.',
  superseded: 'Another attempt of the job took over.',
  deleted: 'The job was deleted.',
} as const;

/** Of one that is not on disk yet. */
const NEW = { secrets_lost: false, directory: null, started_at: null, state: NEW_STATE, place: null };

/** Timers hold about 24 days at most; a longer one is set again. */
const LONGEST_TIMER_MS = 86_400_000;
const GROUP_CHECK_MS = 50;

export function createLives(ports: AttemptPorts): Lives {
  return new AttemptLives(ports);
}

class AttemptLives implements Lives {
  readonly #ports: AttemptPorts;
  readonly #insides = new Map<Attempt, Inside>();
  #abandoned = false;

  constructor(ports: AttemptPorts) {
    this.#ports = ports;
  }

  begin(lease: LeaseShape, slot: number): Attempt {
    const { attempt, inside } = this.#create({ ...NEW, lease, slot });
    void this.#prepare(attempt, inside);
    return attempt;
  }

  wait(lease: LeaseShape, slot: number): Attempt {
    const { attempt } = this.#create({ ...NEW, lease, slot });
    attempt.phase = 'waiting';
    return attempt;
  }

  proceed(attempt: Attempt): void {
    const inside = this.#insides.get(attempt);
    if (inside === undefined || attempt.phase !== 'waiting') return;
    attempt.phase = 'preparing';
    void this.#prepare(attempt, inside);
  }

  adopt(stored: StoredAttempt): Attempt {
    const { attempt, inside } = this.#create({ ...stored, started_at: null });
    if (stored.state.end === null) {
      void this.#ports.runner.adopt(stored).then((process) => this.#follow(attempt, inside, process));
      return attempt;
    }
    this.#insides.delete(attempt);
    attempt.end = stored.state.end;
    attempt.phase = 'ended';
    this.#ports.onEnded(attempt);
    return attempt;
  }

  decline(lease: LeaseShape, slot: number, message: string): Attempt {
    const { attempt } = this.#create({ ...NEW, lease, slot });
    this.#endUnstarted(attempt, 'released', message);
    return attempt;
  }

  stop(attempt: Attempt, outcome: Intent, options: { readonly message: string; readonly grace_seconds?: number }): void {
    const { clock } = this.#ports;
    const inside = this.#insides.get(attempt);
    if (inside === undefined || attempt.phase === 'ended' || inside.process?.hasEnded() === true) return;
    if (attempt.phase === 'waiting') return this.#endUnstarted(attempt, outcome, options.message);
    const grace = (options.grace_seconds ?? attempt.lease.grace_seconds) * 1000;
    const first = attempt.state.intent === null;
    if (first) this.note(attempt, { intent: { outcome, message: options.message, at: clock.now() } });
    if (attempt.phase === 'running' && (first || clock.monotonic() + grace < inside.kill_at)) this.#interrupt(attempt, inside, grace);
  }

  note(attempt: Attempt, change: Partial<AttemptState>): void {
    attempt.state = { ...attempt.state, ...change };
    if (attempt.directory === null) return;
    try {
      this.#ports.store.save(attempt.directory, attempt.state);
    } catch (error) {
      this.#ports.log.error({ err: error, job: nameOf(attempt) }, 'the state of an attempt could not be written; it is kept in memory');
    }
  }

  abandon(): void {
    this.#abandoned = true;
    for (const inside of this.#insides.values()) {
      inside.timeout?.cancel();
      inside.kill?.cancel();
    }
  }

  #create({ secrets_lost, ...facts }: NewAttempt): { attempt: Attempt; inside: Inside } {
    if (secrets_lost) this.#ports.log.warn({ job: nameOf(facts) }, 'the secrets of an attempt cannot be read any more; all of its output is masked');
    const { secrets } = facts.lease;
    const mask = secrets_lost ? MASK_ALL : secrets === undefined ? null : createSecretMask(secrets);
    const untold = { settled: false, unwanted: false, told_unstarted: false, execution_told: false };
    const attempt: Attempt = { ...facts, ...untold, mask, phase: 'preparing', end: null, process_id: null };
    const inside: Inside = { process: null, monotonic_start: null, timeout: null, kill: null, kill_at: Infinity };
    this.#insides.set(attempt, inside);
    return { attempt, inside };
  }

  async #prepare(attempt: Attempt, inside: Inside): Promise<void> {
    const { clock, store, runner, workerId, onMachineFault } = this.#ports;
    try {
      const stored = await store.create(attempt.lease, attempt.slot, clock.now());
      attempt.directory = stored.directory;
      attempt.place = stored.place;
      if (attempt.state.intent !== null) return this.#endUnstarted(attempt, attempt.state.intent.outcome, attempt.state.intent.message);
      const process = await runner.start(stored, workerId(attempt.slot));
      this.#follow(attempt, inside, process);
    } catch (error) {
      const failure = startFailure(error, attempt.lease);
      if (failure.fault === 'machine') onMachineFault(failure.message);
      this.#endUnstarted(attempt, failure.fault === 'machine' ? 'released' : 'failed', failure.message);
    }
  }

  #follow(attempt: Attempt, inside: Inside, process: JobProcess): void {
    if (this.#abandoned) return;
    inside.process = process;
    // Not by the moment of its start: the machine's clock may have been set since.
    if (process.ran_ms !== null) inside.monotonic_start = this.#ports.clock.monotonic() - process.ran_ms;
    attempt.phase = 'running';
    attempt.started_at = process.started_at;
    attempt.process_id = process.pid;
    this.#ports.onStarted(attempt);
    if (attempt.state.intent !== null) this.#interrupt(attempt, inside, attempt.lease.grace_seconds * 1000);
    else this.#armTimeout(attempt, inside);
    void process.ended.then((end) => this.#finish(attempt, inside, end));
  }

  #armTimeout(attempt: Attempt, inside: Inside): void {
    const { clock } = this.#ports;
    const { timeout_seconds } = attempt.lease;
    if (timeout_seconds === null || attempt.started_at === null) return;
    const elapsed = inside.monotonic_start === null ? clock.now() - attempt.started_at : clock.monotonic() - inside.monotonic_start;
    const left = timeout_seconds * 1000 - Math.max(0, elapsed);
    if (left <= 0) return this.stop(attempt, 'timed_out', { message: `The job ran longer than its timeout of ${timeout_seconds} s.` });
    inside.timeout = clock.after(Math.min(left, LONGEST_TIMER_MS), () => this.#armTimeout(attempt, inside));
  }

  #interrupt(attempt: Attempt, inside: Inside, graceMs: number): void {
    const { clock, log, workerId } = this.#ports;
    inside.kill?.cancel();
    inside.kill_at = clock.monotonic() + graceMs;
    const facts = { job: nameOf(attempt), worker: workerId(attempt.slot), outcome: attempt.state.intent?.outcome };
    log.info({ ...facts, grace_seconds: graceMs / 1000 }, 'stopping job');
    inside.process?.signal(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
    if (graceMs > 0) inside.kill = clock.after(graceMs, () => inside.process?.signal('SIGKILL'));
  }

  async #finish(attempt: Attempt, inside: Inside, end: ProcessEnd): Promise<void> {
    const { clock } = this.#ports;
    const process = inside.process!;
    // Told to stop: what the job's own children still do in their grace may be the checkpoint.
    while (attempt.state.intent !== null && clock.monotonic() < inside.kill_at && process.groupLives()) await clock.sleep(GROUP_CHECK_MS);
    if (this.#abandoned) return;
    process.signal('SIGKILL');
    const { monotonic_start } = inside;
    // The end of one that was taken over is noticed a moment late: what its files say of both moments is nearer.
    const isSeen = monotonic_start !== null && process.ran_ms === 0;
    const duration = isSeen ? Math.max(0, Math.round(clock.monotonic() - monotonic_start)) : null;
    this.#conclude(attempt, { ...verdict(attempt, end), at: end.at, duration_ms: duration, persist: end.kind !== 'exited' });
  }

  #endUnstarted(attempt: Attempt, outcome: Intent | 'failed', message: string): void {
    const at = this.#ports.clock.now();
    this.#conclude(attempt, { outcome, exit_code: null, signal: null, message, at, duration_ms: null, persist: true });
  }

  #conclude(attempt: Attempt, end: Verdict & { at: number; duration_ms: number | null; persist: boolean }): void {
    const inside = this.#insides.get(attempt);
    inside?.timeout?.cancel();
    inside?.kill?.cancel();
    this.#insides.delete(attempt);
    const { job_id, attempt: number, rank, token } = attempt.lease;
    const told = end.message === null ? null : (attempt.mask?.text(end.message) ?? end.message);
    attempt.end = {
      ...{ job_id, attempt: number, rank, token },
      outcome: end.outcome,
      exit_code: end.exit_code,
      signal: end.signal,
      message: told?.slice(0, LIMITS.message_characters.value) ?? null,
      started_at: attempt.started_at === null ? null : toIso(attempt.started_at),
      // File times are coarse: an end is never told before its beginning.
      finished_at: toIso(Math.max(end.at, attempt.started_at ?? end.at)),
      duration_ms: end.duration_ms,
    };
    attempt.phase = 'ended';
    if (end.persist) this.note(attempt, { end: attempt.end });
    this.#ports.onEnded(attempt);
  }
}

interface Verdict {
  readonly outcome: FinishedAttemptShape['outcome'];
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
}

/** What an end means. An intent is only ever noted of a job that had not ended by then, so it decides. */
export function verdict(attempt: Pick<Attempt, 'state'>, end: ProcessEnd): Verdict {
  const { intent, refused_uploads } = attempt.state;
  const uploads = refused_uploads.length === 0 ? '' : `The server refused these files for good: ${refused_uploads.join(', ')}. `;
  const { exit_code, signal } = end;
  if (intent !== null) return { outcome: intent.outcome, exit_code, signal, message: uploads + intent.message };
  if (end.kind === 'lost')
    return { outcome: 'lost', exit_code, signal, message: uploads + 'The job was gone when the agent came back, without an exit status.' };
  if (exit_code === 0) return { outcome: 'succeeded', exit_code, signal, message: uploads === '' ? null : uploads.trim() };
  return { outcome: 'failed', exit_code, signal, message: uploads + failureText(end) };
}

function failureText(end: ProcessEnd): string {
  if (end.kind === 'vanished') return `The job's shell was killed${end.signal === null ? '' : ` by ${end.signal}`}; how the job itself ended is not known.`;
  if (end.signal === 'SIGKILL') return 'The job was killed by SIGKILL, perhaps because memory ran out.';
  if (end.signal !== null) return `The job was killed by ${end.signal}.`;
  if (end.exit_code === 127) return 'The command was not found (exit code 127). Standard error says which one.';
  if (end.exit_code === 126) return 'The command could not be executed (exit code 126). Standard error says why.';
  return `The job ended with exit code ${end.exit_code}.`;
}

export function nameOf(attempt: Pick<Attempt, 'lease'>): string {
  return `${attempt.lease.experiment}/${attempt.lease.number}`;
}
