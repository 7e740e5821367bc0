// The part of docs/explanation/performance.md that compares Drover with its peers, written from what the race measured.
import { number, ratio } from '../report.mjs';
import { isBetter } from './contest.mjs';

const GROUP_TITLES = {
  'cycles.one': 'One job in flight',
  'cycles.few': '24 to 64 jobs in flight',
  'cycles.many': '200 jobs in flight',
  'cycles.sets': 'Sets of 2,000',
  'latency.claim.p50': 'To whoever runs the job, half of the time within',
  'latency.claim.p99': 'To whoever runs the job, 99 of 100 times within',
  'latency.process.p50': 'To the running process, half of the time within',
  'latency.process.p99': 'To the running process, 99 of 100 times within',
  'processes.true': '`/bin/true`',
  'processes.python': '`python3 -c pass`',
};

const HOW = {
  cycles:
    'All jobs are submitted before the clock starts; a job does nothing; it counts when its end is recorded. Every contestant has one consumer process and one server (Drover on PostgreSQL: two). ' +
    'The consumers of the peers talk to their database directly and forget jobs that ended (BullMQ and graphile-worker) or keep one row of them (pg-boss). Drover’s agent comes through HTTP with its own credential, every end is checked against its lease, and each attempt stays on record. ' +
    'Before each measurement on PostgreSQL the database is vacuumed and checkpointed, for everybody alike. ' +
    'The bare loop on PostgreSQL waits for the answer to each statement and keeps the plans that it was given first; Drover does neither, so there the loop is no limit.',
  latency:
    'One consumer that waits, one submission at a time, 20 to 40 ms apart. The peers submit and consume in one process, through two connections to their database; Drover submits over HTTP and its agent hangs in a sync, both in one process, too. ' +
    'The last lines go on to the moment when the shell of the job has opened a file.',
  processes:
    'From the first submission until the end of the last job is known, with the output of each job in a file. Only Drover and Slurm’s job arrays are still there after a crash; the others are shown because people use them. Slurm runs fewer jobs, because they take seconds.',
  jobs: 'One agent that asks for 64 at a time, in an experiment of that many jobs on SQLite. What ended goes back to the queue between rounds, so the number of jobs stays, while attempts and events grow.',
  agents:
    'Every agent has one slot, one connection, and one sync for each job; one process plays all of them and shares the cores with the server. Then all of them wait for work: what that costs, and how long a submission takes until one of them has it.',
};

/** Drover’s aims: the bare limit may be faster by so much. */
const BARE_FACTOR = 1.5;
const BARE_FACTOR_OF = { 'processes.python': 1.1 };

export function raceSection(result) {
  const lines = result.parts.flatMap((part) => part.lines);
  return [
    '## Beside the peers',
    '',
    ...introduction(result),
    ...verdicts(lines),
    ...result.parts.flatMap((part) => [
      `### ${part.title}`,
      '',
      HOW[part.name],
      '',
      ...(part.lines.some((line) => line.group !== undefined) ? groupTables(part.lines) : growthTable(part.lines)),
    ]),
  ];
}

function introduction({ taken_at, quick, rounds, machine, load_before, load_after, left_out }) {
  const { cpu, cores, memory_gib, system, file_system, node, sqlite, commit } = machine;
  const names = { postgres: 'PostgreSQL', redis: 'Redis', bullmq: 'BullMQ', 'pg-boss': 'pg-boss', 'graphile-worker': 'graphile-worker' };
  const versions = Object.entries(names).flatMap(([key, name]) => (machine[key] ? [`${name} ${machine[key]}`] : []));
  const programs = ['xargs', 'parallel', 'task_spooler', 'slurm', 'python'].flatMap((key) => machine[key] ?? []);
  return [
    `Measured on ${taken_at.slice(0, 10)} at commit \`${commit}\`, on ${cpu} with ${cores} cores and ${memory_gib} GiB, ${system}, ${file_system}, Node ${node}, SQLite ${sqlite}, ${[...versions, ...programs].join(', ')}.`,
    `All in one run, in turn, ${rounds} rounds; each figure is the median, the range is from the lowest to the highest. Load average before: ${load_before.join(', ')}; after: ${load_after.join(', ')}.`,
    'Durable means that what was answered is still there after the machine lost power: `synchronous=FULL` on SQLite, the defaults of PostgreSQL, `appendfsync always` on Redis. The others are shown, but nobody is ahead of anybody by not writing.',
    ...(load_before[0] > 1
      ? ['**Other programs used the processor during the measurement**, so the figures are lower than on an idle machine; the ratios carry over.']
      : []),
    ...(quick ? ['**Quick sizes: too small for conclusions.**'] : []),
    ...left_out.map(({ title, reason }) => `**Left out**: ${title}: ${reason.split('\n')[0]}.`),
    '',
  ];
}

/** For each group the best of Drover against the best peer and the bare limit. */
function verdicts(lines) {
  const rows = [...new Set(lines.flatMap(({ group }) => group ?? []))].flatMap((group) => {
    const ours = bestOf(lines.filter((line) => line.group === group && line.who === 'drover'));
    return ours === null ? [] : [verdict(group, ours)];
  });
  return ['| what | Drover | × the best peer | ahead | × the bare limit | within the aim |', '| --- | --- | --- | --- | --- | --- |', ...rows, ''];
}

function verdict(group, ours) {
  const { rival, against, unit, title } = ours;
  const ahead = rival === null ? ['', ''] : [`${ratio(rival.ratio)} × ${rival.title}`, yesOrNo(isBetter(unit, ours.value, rival.value))];
  const factor = BARE_FACTOR_OF[group] ?? BARE_FACTOR;
  const bare = against === null ? ['', ''] : [ratio(against.ratio), `${yesOrNo(against.ratio * factor >= 1)} (${ratio(1 / factor)})`];
  return row([GROUP_TITLES[group] ?? group, `${number(ours.value)} ${unit} (${title})`, ...ahead, ...bare]);
}

const yesOrNo = (is) => (is ? 'yes' : '**no**');
const row = (cells) => `| ${cells.join(' | ')} |`;

function bestOf(lines) {
  return lines.reduce((best, one) => (best === null || isBetter(one.unit, one.value, best.value) ? one : best), null);
}

function groupTables(lines) {
  const groups = [...new Set(lines.map(({ group }) => group))];
  return groups.flatMap((group) =>
    groupTable(
      group,
      lines.filter((line) => line.group === group),
    ),
  );
}

/** The durable ones by rank, then the others; ratios are against the best of Drover. */
function groupTable(group, lines) {
  const ours = bestOf(lines.filter(({ who }) => who === 'drover'));
  const ranked = lines.toSorted((a, b) => Number(b.durable) - Number(a.durable) || (isBetter(a.unit, a.value, b.value) ? -1 : 1));
  return [
    `#### ${GROUP_TITLES[group] ?? group}`,
    '',
    `| × Drover | who | ${lines[0].unit} | range | durable | × the bare limit | what limits it |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...ranked.map((line) =>
      row([
        ours === null ? '' : ratio(line.value / ours.value),
        line.who === 'drover' ? `**${line.title}**` : line.title,
        number(line.value),
        `${number(line.low)} to ${number(line.high)}`,
        line.durable ? 'yes' : 'no',
        line.against === null ? '' : ratio(line.against.ratio),
        line.limit,
      ]),
    ),
    '',
  ];
}

/** Ratios against the first line of the same kind, which is the smallest. */
function growthTable(lines) {
  const kind = ({ id }) => id.split('.').at(-1);
  const first = (line) => lines.find((one) => kind(one) === kind(line));
  return [
    '| × the smallest | what | measured | range |',
    '| --- | --- | --- | --- |',
    ...lines.map((line) =>
      row([
        first(line).value === 0 ? '' : ratio(line.value / first(line).value),
        line.title,
        `${number(line.value)} ${line.unit}`,
        `${number(line.low)} to ${number(line.high)}`,
      ]),
    ),
    '',
  ];
}
