// Whether the record tells what happened: every execution of the ledger and every recorded attempt explain each other, or a fault does.
import type { AttemptShape, JobShape } from '../../src/contract/schemas.ts';
import type { Field, Spell } from './field.ts';
import type { Execution } from './ledger.ts';
import type { Job } from './work.ts';

export interface RecordedJob {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  readonly planned: Job;
  readonly executions: readonly Execution[];
}

export interface Rules {
  readonly max_attempts: number;
  readonly crash_limit: number;
  readonly lost_after_ms: number;
}

/** What a verdict needs to know of the run. */
export type Known = Pick<Field, 'spells' | 'agentOf'>;

const OUTRUN_EXIT_CODE = 8;
/** After a fault its consequences may take this long to be told: an offer that nobody confirmed is taken back after 30 s. */
const AFTERMATH_MS = 35_000;
/** Kinds in which the agent's process ends. */
const ENDS_AGENT: ReadonlySet<string> = new Set(['kill agent', 'stop agent', 'upgrade agent', 'crash machine']);

/** Sentences about what is wrong with one job; none is right. */
export function judge(field: Known, recorded: RecordedJob, rules: Rules): string[] {
  return [...judgeExecutions(recorded), ...recorded.attempts.flatMap((attempt) => judgeAttempt(field, recorded, attempt, rules)), ...judgeJob(recorded, rules)];
}

function judgeExecutions({ job, attempts, planned, executions }: RecordedJob): string[] {
  return executions.flatMap((execution) => {
    const said: string[] = [];
    const same = executions.filter(({ attempt }) => attempt === execution.attempt);
    if (execution.starts !== 1 || same.length > 1)
      said.push(`attempt ${execution.attempt} was started ${same.reduce((sum, { starts }) => sum + starts, 0)} times`);
    if (execution.ends > 1) said.push(`attempt ${execution.attempt} ended ${execution.ends} times`);
    if (execution.marker !== planned.marker) said.push(`attempt ${execution.attempt} ran the params of ${execution.marker}`);
    const attempt = attempts.find((each) => each.attempt === execution.attempt);
    if (attempt === undefined) said.push(`the ledger knows attempt ${execution.attempt}, the record does not`);
    else if (attempt.worker_id !== execution.worker) said.push(`attempt ${execution.attempt} ran on ${execution.worker}, recorded is ${attempt.worker_id}`);
    return said.map((text) => `job ${job.number}: ${text}`);
  });
}

function judgeAttempt(field: Known, { job, planned, executions }: RecordedJob, attempt: AttemptShape, rules: Rules): string[] {
  const execution = executions.find((each) => each.attempt === attempt.attempt);
  const name = `job ${job.number}, attempt ${attempt.attempt}`;
  const struck = spellsOnAttempt(field, attempt, job.number);
  const told = `${attempt.outcome}${attempt.evidence === null ? '' : `, evidence ${attempt.evidence.outcome}`}`;
  const said: string[] = [];
  const say = (text: string): void => void said.push(`${name} (${told}): ${text}`);
  const exit = execution?.exit_code ?? null;
  if (exit !== null && exit !== planned.exit_code) say(`it ended with code ${exit} instead of ${planned.exit_code}`);
  switch (attempt.outcome) {
    case 'succeeded':
      if (exit !== 0) say('the ledger knows no successful end');
      break;
    case 'failed':
      if (attempt.exit_code === OUTRUN_EXIT_CODE) say('a job that still held its lease was told that it does not');
      else if (attempt.exit_code !== null && attempt.exit_code !== exit) say(`recorded exit code ${attempt.exit_code}, ledger ${exit}`);
      else if (attempt.exit_code === null && struck.killed.length === 0) say(`nobody killed it (signal ${attempt.signal}, ${attempt.message})`);
      break;
    case 'lost':
      if (!mayBeLost(struck, attempt, rules)) say(`no fault of its agent explains the loss (${attempt.message})`);
      break;
    case 'released':
      if (struck.agent.length + struck.server.length === 0) say(`no fault explains the release (${attempt.message})`);
      break;
    case 'timed_out':
    case 'cancelled':
    case null:
      say('nothing in this run leads to that');
  }
  // Everything was healed, so whoever came to an end by himself must have been able to say so.
  const free = struck.killed.length === 0 && !struck.agent.some(({ kind }) => ENDS_AGENT.has(kind));
  const known = [attempt.outcome, attempt.evidence?.outcome];
  if (exit !== null && free && !known.includes(exit === 0 ? 'succeeded' : 'failed')) say(`its end with code ${exit} never reached the record`);
  return said;
}

interface Struck {
  /** Faults that killed a process of this very attempt. */
  readonly killed: readonly Spell[];
  readonly agent: readonly Spell[];
  readonly server: readonly Spell[];
}

function spellsOnAttempt(field: Known, attempt: AttemptShape, number: number): Struck {
  const agent = field.agentOf(attempt.worker_id);
  const from = Date.parse(attempt.claimed_at);
  const to = attempt.finished_at === null ? Infinity : Math.max(Date.parse(attempt.finished_at), from);
  const then = field.spells.filter((spell) => spell.from <= to && (spell.recovered ?? Infinity) + AFTERMATH_MS >= from);
  return {
    // Also one that died before it could tell the ledger anything.
    killed: field.spells.filter(({ kind, struck }) => kind !== 'pause job' && struck.some((name) => name.startsWith(`${number}.${attempt.attempt}.`))),
    agent: then.filter(({ side, struck }) => side === 'agent' && agent !== undefined && struck.includes(agent.name)),
    server: then.filter(({ side }) => side === 'server' || side === 'database'),
  };
}

/** Silence of the agent for long enough, or its death: never the server's own absence. */
function mayBeLost({ killed, agent }: Struck, attempt: AttemptShape, { lost_after_ms }: Rules): boolean {
  if (killed.length > 0 || agent.some(({ kind }) => ENDS_AGENT.has(kind))) return true;
  return agent.some(({ from, recovered }) => (recovered ?? Infinity) - from >= lost_after_ms * 0.9 && Date.parse(attempt.claimed_at) < (recovered ?? Infinity));
}

function judgeJob({ job, attempts, planned }: RecordedJob, { max_attempts, crash_limit }: Rules): string[] {
  const said: string[] = [];
  const say = (text: string): void => void said.push(`job ${job.number} (${job.status}, ${attempts.map(({ outcome }) => outcome).join(' ')}): ${text}`);
  const count = (outcome: AttemptShape['outcome']): number => attempts.filter((attempt) => attempt.outcome === outcome).length;
  const newest = attempts.toSorted((a, b) => b.attempt - a.attempt)[0];
  if (attempts.length !== job.attempts) say(`${job.attempts} attempts are counted`);
  if (job.params['marker'] !== planned.marker) say(`it has the params of ${String(job.params['marker'])}`);
  if (job.outcome !== newest?.outcome && newest?.evidence?.outcome !== job.outcome) say('job and newest attempt tell different ends');
  switch (job.status) {
    case 'done':
      if (count('succeeded') !== 1 && newest?.evidence?.outcome !== 'succeeded') say('it is done, but not by exactly one success');
      if (count('succeeded') > 1) say('it is recorded as done twice');
      if (planned.exit_code !== 0) say('a job that always fails is recorded as done');
      break;
    case 'aborted':
      if (count('succeeded') > 0) say('a success was thrown away');
      if (count('failed') < max_attempts && count('lost') < crash_limit) say('it was given up early');
      break;
    case 'pending':
    case 'running':
      say('it never came to an end');
  }
  return said;
}
