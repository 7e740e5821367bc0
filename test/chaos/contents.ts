// Whether every byte is there: logs, metric points, files and checkpoints of each execution against what the job itself kept.
import { createHash } from 'node:crypto';

import type { ArtifactShape } from '../../src/contract/schemas.ts';
import { openExperiment } from '../support/experiment.ts';
import type { Field } from './field.ts';
import type { Execution, Point } from './ledger.ts';
import type { RecordedJob } from './verdicts.ts';

export interface Amounts {
  log_bytes: number;
  points: number;
  files: number;
  checkpoints: number;
  file_bytes: number;
  /** Executions whose log met a full disk in a way that only the beginning can be compared. */
  torn: number;
}

/** What may be in the copy and not in the log of a job that was killed between the two writes. */
const LARGEST_PIECE = 4_096;

/** Sentences about what is missing or foreign; adds to the amounts what was found whole. */
export async function compareContents(field: Field, recorded: RecordedJob, amounts: Amounts): Promise<string[]> {
  const { number } = recorded.job;
  const { artifacts } = await field.api().results.artifacts({ params: { experiment: field.experiment, number } });
  const said: string[] = [];
  for (const execution of recorded.executions) {
    const about = [
      ...(await compareLogs(field, execution, amounts)),
      ...(await compareMetrics(field, execution, amounts)),
      ...(await compareFiles(field, execution, { artifacts, amounts })),
    ];
    said.push(...about.map((text) => `job ${number}, attempt ${execution.attempt}: ${text}`));
  }
  return [...said, ...judgeResumes(recorded).map((text) => `job ${number}, ${text}`)];
}

async function compareLogs(field: Field, execution: Execution, amounts: Amounts): Promise<string[]> {
  const experiment = openExperiment({ api: field.api() }, field.experiment);
  const said: string[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    const { bytes: recorded, dropped } = await experiment.logWithHoles(execution.number, stream, execution.attempt);
    const whole = execution.exit_code !== null && !wasKilled(field, execution);
    const bytes = stream === 'stdout' ? recorded : withoutObituary(recorded);
    const wanted = execution.lines === null ? field.ledger.copy(execution.name, stream)! : shellLog(execution, stream);
    amounts.log_bytes += bytes.length;
    if (dropped > 0) said.push(`${dropped} bytes of ${stream} were dropped`);
    if (execution.torn) {
      amounts.torn += stream === 'stdout' ? 1 : 0;
      continue;
    }
    if (whole ? !bytes.equals(wanted) : !wanted.subarray(0, bytes.length).equals(bytes)) {
      said.push(`${stream} has ${bytes.length} bytes (${hashOf(bytes)}), the ledger ${wanted.length} (${hashOf(wanted)}); ${firstDifference(bytes, wanted)}`);
    } else if (execution.lines === null && wanted.length - bytes.length > LARGEST_PIECE) {
      said.push(`the last ${wanted.length - bytes.length} bytes of ${stream} are missing`);
    }
  }
  return said;
}

/** The shell around a job that is killed says so on its stderr, perhaps before the last lines of what it had started. */
function withoutObituary(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(/^(?:Terminated|Killed)\n/gm, ''), 'latin1');
}

/** Its last bytes may have come after everybody took it for dead. */
function wasKilled({ spells }: Field, { name }: Execution): boolean {
  return spells.some(({ kind, struck }) => kind !== 'pause job' && struck.includes(name));
}

function shellLog({ name, marker, lines }: Execution, stream: 'stdout' | 'stderr'): Buffer {
  const numbers = stream === 'stdout' ? Array.from({ length: lines! }, (_, line) => String(line)) : lines! > 0 ? ['error'] : [];
  return Buffer.from(numbers.map((line) => `${name} ${marker} line ${line}\n`).join(''));
}

async function compareMetrics(field: Field, execution: Execution, amounts: Amounts): Promise<string[]> {
  const expected = field.ledger.points(execution.name);
  if (expected.length === 0) return [];
  const { series } = await field.api().results.metricSeries({
    params: { experiment: field.experiment, number: execution.number },
    query: { name: 'chaos', attempt: execution.attempt, points: 5_000 },
  });
  const found = series.flatMap(({ points }) => points.map(({ step, value }) => ({ step, value })));
  amounts.points += found.length;
  const certain = expected.filter((point) => point.certain);
  // The last one may have been announced and not written.
  const needed = execution.exit_code === null ? certain.slice(0, -1) : certain;
  const missing = needed.filter((point) => !found.some((one) => isSame(one, point)));
  const foreign = found.filter((one) => !expected.some((point) => isSame(one, point)));
  const ordered = found.every((one, index) => index === 0 || one.step! > found[index - 1]!.step!);
  return [
    ...(missing.length > 0 ? [`${missing.length} of ${needed.length} metric points are missing, first step ${missing[0]!.step}`] : []),
    ...(foreign.length > 0 ? [`${foreign.length} metric points are not its own`] : []),
    ...(ordered ? [] : ['metric points are doubled or out of order']),
  ];
}

function isSame(one: { step: number | null; value: number | null }, point: Point): boolean {
  return one.step === point.step && one.value === point.value;
}

async function compareFiles(
  field: Field,
  execution: Execution,
  { artifacts, amounts }: { artifacts: readonly ArtifactShape[]; amounts: Amounts },
): Promise<string[]> {
  const said: string[] = [];
  const own = artifacts.filter(({ attempt }) => attempt === execution.attempt);
  for (const { sha256, kind, queued } of execution.stored) {
    const found = own.filter((artifact) => artifact.sha256 === sha256 && artifact.kind === kind);
    if (found.length > 1) said.push(`${kind} ${sha256.slice(0, 12)} is recorded ${found.length} times`);
    if (found.length === 0 && queued !== null) said.push(`${kind} ${sha256.slice(0, 12)} is missing${queued ? ' (it was left to the agent)' : ''}`);
  }
  for (const artifact of own) {
    if (!execution.stored.some(({ sha256 }) => sha256 === artifact.sha256)) said.push(`${artifact.kind} ${artifact.name} is not of this execution`);
    const reply = await field.api().results.download({
      params: { experiment: field.experiment, number: execution.number, name: artifact.name },
      query: { version: artifact.version, kind: artifact.kind },
    });
    const bytes = Buffer.from(await reply.arrayBuffer());
    if (createHash('sha256').update(bytes).digest('hex') !== artifact.sha256)
      said.push(`${artifact.kind} ${artifact.name} has other bytes than its hash tells`);
    amounts.file_bytes += bytes.length;
    if (artifact.kind === 'artifact') amounts.files += 1;
    else amounts.checkpoints += 1;
  }
  return said;
}

/** Whoever begins sees at least the last state that the server itself had taken before. */
function judgeResumes({ attempts, executions }: RecordedJob): string[] {
  return executions.flatMap(({ attempt, resumed }) => {
    if (resumed === undefined) return [];
    const before = executions
      .filter((each) => each.attempt < attempt)
      .flatMap((each) => {
        const next = attempts.find((other) => other.attempt === each.attempt + 1);
        // What came after the next claim no longer spoke for the job.
        const until = next === undefined ? Infinity : Date.parse(next.claimed_at);
        return each.stored.filter(({ kind }) => kind === 'checkpoint').map((fact) => ({ ...fact, sure: fact.queued === false && fact.at < until }));
      })
      .toSorted((a, b) => a.at - b.at);
    const least = before.findLastIndex(({ sure, at }) => sure && at < resumed.at);
    const got = resumed.sha256 === null ? -1 : before.findLastIndex(({ sha256 }) => sha256 === resumed.sha256);
    if (resumed.sha256 !== null && got < 0) return [`attempt ${attempt}: it resumed from a state that nobody saved`];
    return got < least ? [`attempt ${attempt}: it resumed from state ${got + 1} of ${before.length}, though the server had taken ${least + 1}`] : [];
  });
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
}

function firstDifference(a: Buffer, b: Buffer): string {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at += 1;
  return `they differ from byte ${at}: ${JSON.stringify(a.subarray(at, at + 60).toString('latin1'))}, ${JSON.stringify(b.subarray(at, at + 60).toString('latin1'))}`;
}
