// Writes docs/explanation/performance.md from what was measured.
import { raceSection } from './race/race-section.mjs';
import { aimText, number, ratio } from './report.mjs';

const HOW = {
  base: 'Everything below is a ratio against one of these, taken minutes before on the same machine. Ratios carry over to other machines; absolute figures do not.',
  cycles:
    'A real server process; the load comes from another process, over HTTP with connections that stay open, and shares the cores with it. The jobs exist beforehand. ' +
    'The end of the last set and the claim of the next travel in one sync, and each answer is sent after its commit is on disk. No job has a process here.',
  start:
    'A real server and a real agent with one idle worker. The clock runs from just before the request is sent until the shell of the job opens a file, both as times of files. ' +
    'In between lie two commits that must reach the disk (the job, its claim), the lease in the attempt directory, and the start of a shell.',
  processes:
    'A real agent with two workers. The clock runs from the submission of all jobs until every end is recorded on the server. xargs and GNU parallel run in the same rounds, with the same number of processes. ' +
    'xargs keeps output and forgets everything else; GNU parallel also writes a line per job; Drover keeps output, attempts and history, and the jobs survive a crash of the agent or the server.',
  million:
    'One experiment. Lists are asked for as a dashboard does, 50 rows at a time, each query many times with other values; “while claims run” means that another process claims and finishes jobs as fast as it can.',
  dashboard:
    'The pages in Chromium, without a window, which shares the cores with the server. The clock runs from the beginning of the visit, or from the click, until the frame in which it is seen; so nothing takes less than a frame. ' +
    'Of a log the server keeps the first 10 and the last 90 MB; the page loads what is looked at.',
};

const LIMITS = {
  'cycles.64': 'The answer waits for its commit, and one agent has one sync in flight: server and load take turns, and half of the cores idle.',
  'cycles.2000':
    'The processor time of one thread. Most of it is SQLite: a cycle changes a job in six indexes, an attempt and a lease. The rest is reading, checking and writing JSON.',
  'cycles.32x1': 'The fixed cost of a commit and of 32 HTTP requests, each with its own checks, for 32 cycles.',
  'start.p50': 'Two commits on disk and the start of two shells.',
  'start.p99': 'The same, plus whatever else ran on these cores.',
  'processes.drover':
    'Processor time: of two cores, server and agent take a bit more than half, for one sync, its commit and its HTTP request per job; three programs are started per job (the shim, the shell of the command, the command).',
  'million.creation':
    'SQLite: each job is a row, four index entries, and one search entry per param, and all of it is computed in the thread that also answers.',
  'lists.idle.p95': 'Filters by several params, where many jobs have one value and few have all.',
  'lists.busy.p95': 'Two cores for three busy processes: the server, the claiming agent, and whoever asks.',
  'million.restart': 'Loading the program. The number of jobs does not matter, because nothing is read ahead.',
  'million.memory_used': 'Page caches of SQLite (64 MB for the connection that writes, 16 MB for each of two that read) and the heaps of Node.',
};

const NOT_MEASURED = 'Not measured yet.';

/** From the last results of `npm run bench` and of `npm run bench -- --peers`; either may be null. */
export function performancePage({ drover, peers }) {
  return [
    '# Performance',
    '',
    '<!-- Written by `npm run bench -- --write-docs` and `npm run bench -- --peers --write-docs` from bench/results. Do not edit. -->',
    '',
    ...(drover === null ? [NOT_MEASURED, ''] : ownSections(drover)),
    ...(peers === null ? ['## Beside the peers', '', NOT_MEASURED, ''] : raceSection(peers)),
    '## Measure it yourself',
    '',
    '`npm run bench` takes some minutes and prints the same lines for your machine; `--quick` takes half a minute and only shows that everything works. `--only NAME` measures one part, `--json FILE` keeps the figures, `--profile DIR` keeps CPU profiles of the servers and agents.',
    '',
    '`npm run bench -- --peers` is the race, in less than half an hour (`--quick`: three minutes). It installs the queues from npm in `bench/peers` and starts every server it needs on loopback; who is not installed is left out, and it says what to install. `--only cycles.sets` measures some lines.',
    '',
  ].join('\n');
}

function ownSections(result) {
  const lines = result.parts.flatMap((part) => part.lines);
  return [...introduction(result), '## Aims and what was reached', '', ...aims(lines), ...result.parts.flatMap((part) => partSection(part))];
}

function introduction({ taken_at, quick, rounds, machine, load_before, load_after }) {
  const { cpu, cores, memory_gib, system, file_system, node, sqlite, commit, xargs, parallel } = machine;
  return [
    `Measured on ${taken_at.slice(0, 10)} at commit \`${commit}\`, on ${cpu} with ${cores} cores and ${memory_gib} GiB, ${system}, ${file_system}, Node ${node}, SQLite ${sqlite}${xargs === null ? '' : `, ${xargs}`}${parallel === null ? '' : `, ${parallel}`}.`,
    `Each figure is the median of ${rounds} rounds unless it says otherwise; the range is from the lowest to the highest. Load average before: ${load_before.join(', ')}; after: ${load_after.join(', ')}.`,
    ...(load_before[0] > 1 ? ['**Other programs used the processor during the measurement**, so the figures are lower than on an idle machine.'] : []),
    ...(quick ? ['**Quick sizes: too small for conclusions.**'] : []),
    '',
  ];
}

function aims(lines) {
  const rows = lines.filter((line) => line.aim !== null);
  return [
    '| what | aim | measured | reached | what limits it |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      (line) =>
        `| ${line.title} | ${aimText(line.aim, line.unit)} | ${number(line.value)} | ${line.aim.reached ? 'yes' : '**no**'} | ${LIMITS[line.id] ?? ''} |`,
    ),
    '',
  ];
}

function partSection({ name, title, lines }) {
  const main = lines.filter((line) => line.p95 === undefined);
  return [
    `## ${title}`,
    '',
    HOW[name],
    '',
    '| what | measured | range | ratio |',
    '| --- | --- | --- | --- |',
    ...main.map(
      (line) =>
        `| ${line.title} | ${number(line.value)} ${line.unit} | ${range(line)} | ${line.against === null ? '' : `${ratio(line.against.ratio)} × ${line.against.title}`} |`,
    ),
    '',
    ...main.filter((line) => line.note !== null).map((line) => `${line.title}: ${line.note}.\n`),
    ...queryTable(lines),
    ...limitList(main),
  ];
}

function range({ low, high, rounds }) {
  return rounds.length > 1 ? `${number(low)} to ${number(high)}` : '';
}

/** Every query once, idle beside busy. */
function queryTable(lines) {
  const idle = lines.filter((line) => line.p95 !== undefined && line.id.startsWith('lists.idle.'));
  if (idle.length === 0) return [];
  const busyOf = (line) => lines.find((one) => one.id === line.id.replace('lists.idle.', 'lists.busy.'));
  return [
    '| query | p50, p95 (ms) | p50, p95 while claims run (ms) |',
    '| --- | --- | --- |',
    ...idle.map((line) => `| \`${line.title}\` | ${number(line.value)}, ${number(line.p95)} | ${number(busyOf(line).value)}, ${number(busyOf(line).p95)} |`),
    '',
  ];
}

function limitList(lines) {
  const told = lines.filter((line) => line.aim === null && LIMITS[line.id] !== undefined);
  return told.length === 0 ? [] : [...told.map((line) => `- ${line.title}: ${LIMITS[line.id]}`), ''];
}
