// The end of a run: everything is healed, so everything must drain; then record and ledger are laid side by side.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { AttemptShape, EventShape, JobShape } from '../../src/contract/schemas.ts';
import { eventually } from '../support/eventually.ts';
import { openExperiment } from '../support/experiment.ts';
import { environmentOf, processesWith } from '../support/program.ts';
import { compareContents, type Amounts } from './contents.ts';
import type { Engine } from './engine.ts';
import type { Field } from './field.ts';
import type { Execution } from './ledger.ts';
import { judge, type RecordedJob, type Rules } from './verdicts.ts';
import type { Job } from './work.ts';

export interface Audit {
  readonly jobs: readonly JobShape[];
  readonly attempts: readonly AttemptShape[];
  readonly executions: readonly Execution[];
  readonly amounts: Amounts;
  readonly drain_ms: number;
  /** Life lines of the jobs that something is wrong with. */
  readonly lives: readonly string[];
}

export interface AuditOptions {
  readonly engine: Engine;
  readonly rules: Rules;
  readonly planned: readonly Job[];
  readonly answered: ReadonlyMap<string, number>;
  readonly drain_limit_ms: number;
}

const AT_ONCE = 8;
const LIVES_SHOWN = 5;

export async function audit(field: Field, options: AuditOptions): Promise<Audit> {
  const { engine, rules, planned, answered } = options;
  const drain_ms = await drain(field, options.drain_limit_ms);
  field.tell('drained');
  const experiment = openExperiment({ api: field.api() }, field.experiment);
  const jobs = await experiment.all();
  const executions = field.ledger.executions();
  const amounts: Amounts = { log_bytes: 0, points: 0, files: 0, checkpoints: 0, file_bytes: 0, torn: 0 };
  const attempts: AttemptShape[] = [];
  const wrong: RecordedJob[] = [];
  judgeSubmissions(field, { jobs, planned, answered, executions });
  const byMarker = new Map(planned.map((job) => [job.marker, job]));
  await inParallel(jobs, async (job) => {
    const plan = byMarker.get(String(job.params['marker']));
    if (plan === undefined) return;
    const recorded = {
      job,
      attempts: await experiment.attempts(job.number),
      planned: plan,
      executions: executions.filter((each) => each.number === job.number),
    };
    attempts.push(...recorded.attempts);
    const said = [...judge(field, recorded, rules), ...(await compareContents(field, recorded, amounts))];
    for (const text of said) field.violation(text);
    if (said.length > 0) wrong.push(recorded);
  });
  field.tell('compared');
  await recount(field, { engine, jobs });
  await still(field, 'jobs live on', () => jobProcesses(field));
  // Empty directories that an agent keeps to use again go when it has had nothing to do for a while.
  await still(field, 'directories stay behind', () => field.agents.flatMap(({ workspace }) => leftovers(workspace, field.experiment)));
  const lives = await Promise.all(wrong.slice(0, LIVES_SHOWN).map((recorded) => lifeLine(field, recorded)));
  return { jobs, attempts, executions, amounts, drain_ms, lives };
}

/** Resolves with the time it took until no job waited or ran and no agent kept anything of one. */
async function drain(field: Field, limit: number): Promise<number> {
  const begun = performance.now();
  const patience = { within: limit, every: 250 };
  try {
    await eventually(async () => {
      const { counts } = await field.api().experiments.get({ params: { experiment: field.experiment } });
      if (counts.pending + counts.running > 0) throw new Error(`${counts.pending} jobs are pending, ${counts.running} running`);
    }, patience);
    await eventually(() => {
      const left = field.agents.flatMap(({ workspace }) => attemptDirectories(workspace, field.experiment));
      if (left.length > 0) throw new Error(`${left.length} attempt directories are left, e.g. ${left.slice(0, 3).join(', ')}`);
    }, patience);
  } catch (error) {
    field.violation(`it did not drain: ${(error as Error).message}`);
    for (const { workspace } of field.agents) for (const text of describeLeftovers(workspace, field.experiment)) field.tell(text);
  }
  const drained = performance.now() - begun;
  return drained;
}

async function still(field: Field, what: string, look: () => readonly (string | number)[]): Promise<void> {
  await eventually(
    () => {
      const left = look();
      if (left.length > 0) throw new Error(left.slice(0, 5).join(', '));
    },
    { within: 45_000, every: 250 },
  ).catch((error: unknown) => field.violation(`${what}: ${(error as Error).message}`));
}

function leftovers(workspace: string, experiment: string): string[] {
  try {
    return readdirSync(join(workspace, 'jd_data', experiment, '.drover'));
  } catch {
    return [];
  }
}

/** What the files of attempts that nobody took away say. */
function describeLeftovers(workspace: string, experiment: string): string[] {
  return attemptDirectories(workspace, experiment).map((name) => {
    const path = join(workspace, 'jd_data', experiment, '.drover', name);
    const files = readdirSync(path).map((file) => `${file} ${statSync(join(path, file)).size}`);
    const uploads = existsSync(join(path, 'uploads')) ? readdirSync(join(path, 'uploads')) : [];
    const lease = readFileSync(join(path, 'lease.json'), 'utf8').slice(0, 300);
    return `left behind: ${path}: ${files.join(', ')}; uploads ${uploads.join(', ') || 'none'}; lease ${lease}`;
  });
}

function attemptDirectories(workspace: string, experiment: string): string[] {
  return leftovers(workspace, experiment).filter((name) => /^\d/.test(name));
}

export function jobProcesses({ agents }: Field): number[] {
  return agents.flatMap(({ mark }) => processesWith('CHAOS_AGENT', mark)).filter((pid) => environmentOf(pid).has('JD_ATTEMPT_DIR'));
}

interface Submitted extends Pick<AuditOptions, 'planned' | 'answered'> {
  readonly jobs: readonly JobShape[];
  readonly executions: readonly Execution[];
}

/** What was answered is there, once, under the number that was answered; and nothing else is. */
function judgeSubmissions(field: Field, { jobs, planned, answered, executions }: Submitted): void {
  const found = new Map<string, number[]>();
  for (const { params, number } of jobs) found.set(String(params['marker']), [...(found.get(String(params['marker'])) ?? []), number]);
  for (const { marker } of planned) {
    const numbers = found.get(marker) ?? [];
    const wanted = answered.get(marker);
    if (numbers.length !== 1 || numbers[0] !== wanted)
      field.violation(`${marker} was accepted as job ${wanted}; the record has it as ${numbers.join(', ') || 'nothing'}`);
    found.delete(marker);
  }
  for (const [marker, numbers] of found) field.violation(`nobody submitted ${marker}, which is job ${numbers.join(', ')}`);
  for (const { number, name } of executions) if (!jobs.some((job) => job.number === number)) field.violation(`the ledger has ${name}, which is of no job`);
}

async function recount(field: Field, { engine, jobs }: { engine: Engine; jobs: readonly JobShape[] }): Promise<void> {
  const { counts } = await field.api().experiments.get({ params: { experiment: field.experiment } });
  const rows = await engine.count(field.servers[0]!.server.data_dir);
  for (const status of ['pending', 'running', 'done', 'aborted'] as const) {
    const listed = jobs.filter((job) => job.status === status).length;
    if (counts[status] !== listed || (rows[status] ?? 0) !== listed) {
      field.violation(`${status}: the counter says ${counts[status]}, the list ${listed}, the table ${rows[status] ?? 0}`);
    }
  }
}

/** Everything that is known of one job, in the order in which it happened. */
async function lifeLine(field: Field, { job, executions }: RecordedJob): Promise<string> {
  const { events } = await field.api().server.history({ params: { experiment: field.experiment }, query: { number: job.number, limit: 200 } });
  const facts = field.ledger.facts().filter(({ attempt }) => executions.some(({ name }) => name === attempt));
  const moments: [number, string][] = [
    ...events.map((event: EventShape): [number, string] => [Date.parse(event.at), `event    ${event.kind} by ${event.actor}: ${JSON.stringify(event.data)}`]),
    ...facts.filter(({ at }) => at !== undefined).map((fact): [number, string] => [fact.at!, `ledger   ${JSON.stringify({ ...fact, at: undefined })}`]),
  ];
  for (const { name, agent } of field.agents) {
    const own = agent
      .log()
      .split('\n')
      .filter((line) => line.includes(`job=${field.experiment}/${job.number} `));
    moments.push(...own.map((line): [number, string] => [Date.parse(line.slice(0, 24)), `${name}  ${line.slice(26)}`]));
  }
  const from = Math.min(...moments.map(([at]) => at));
  const to = Math.max(...moments.map(([at]) => at));
  for (const { kind, struck, from: begun, healed, recovered } of field.spells) {
    const tells = (at: number | null): string => (at === null ? 'not' : `${((at - begun) / 1000).toFixed(2)} s later`);
    if (begun <= to && (recovered ?? Infinity) >= from)
      moments.push([begun, `fault    ${kind}: ${struck.join(', ')}; healed ${tells(healed)}, recovered ${tells(recovered)}`]);
  }
  const lines = moments.toSorted(([a], [b]) => a - b).map(([at, text]) => `${new Date(at).toISOString()}  ${text}`);
  const shell = facts.filter(({ at }) => at === undefined).map((fact) => `(no time)                 ledger   ${JSON.stringify(fact)}`);
  return [`Life of job ${job.number} (${job.status}, ${job.attempts} attempts)`, ...lines, ...shell].join('\n');
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    }),
  );
}
