// `npm run bench`: measures Drover beside what it can be compared with on this machine, in the same run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { setUp } from './setup.mjs';
import { ROOT, StepFailed, main, parseWords } from './step.mjs';

const PAGE = join(ROOT, 'docs/explanation/performance.md');
const RESULTS = join(ROOT, 'bench/results');

const USAGE = `npm run bench -- [OPTION]…

  --quick          small sizes, under half a minute: for tests, not for conclusions
  --peers          the race: Drover beside BullMQ, graphile-worker, pg-boss, GNU parallel, task-spooler, Slurm and the bare limits
  --only NAME      some parts only (base, cycles, start, processes, million, dashboard; with --peers cycles, latency, processes, jobs, agents), or
                   lines by the beginning of their names (cycles.sets); may be repeated. base always runs: it gives the ratios
  --json FILE      writes everything that was measured
  --write-docs     writes docs/explanation/performance.md from it
  --from FILE      measures nothing and takes what --json wrote
  --rounds N       rounds of each line; default 5
  --profile DIR    CPU profiles of the servers and agents that were started
  --directory DIR  where the temporary data go; default the system's
`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  peers: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] },
  json: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
  from: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  profile: { type: 'string' },
  directory: { type: 'string' },
  help: { type: 'boolean', default: false },
};

const FULL = {
  ...{ short_ms: 1_500, queue_jobs: 900_000, starts: 250, processes: 2_000, process_rounds: 3, large: 1_000_000, ended: 40_000, queries: 40, restarts: 3 },
  ...{ visits: 5, log_bytes: 200_000_000, jumps: 60 },
  cycles: { 'cycles.64': 30_000, 'cycles.2000': 80_000, 'cycles.32x1': 12_000 },
};

const QUICK = {
  ...{ short_ms: 60, queue_jobs: 60_000, starts: 10, processes: 40, process_rounds: 1, large: 20_000, ended: 2_000, queries: 3, restarts: 1 },
  ...{ visits: 1, log_bytes: 2_000_000, jumps: 5 },
  cycles: { 'cycles.64': 1_280, 'cycles.2000': 4_000, 'cycles.32x1': 320 },
};

await main(async () => {
  const { values } = parseWords(OPTIONS, USAGE);
  if (values.help) return void process.stdout.write(USAGE);
  const rounds = values.quick ? 1 : Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    process.stderr.write(`--rounds takes a whole number from 1 on, not ${values.rounds}.\n`);
    throw new StepFailed('bench');
  }
  await setUp();
  // Packages and the built program are there only now.
  const [{ measure }, { printHeader, printPart, printLine, printLeftOut, printEnd }, { performancePage }, bench] = await Promise.all([
    import('./bench/run.mjs'),
    import('./bench/report.mjs'),
    import('./bench/page.mjs'),
    values.peers ? race(values.quick) : drover(values.quick),
  ]);
  const unknown = values.only.filter((name) => !bench.parts.some((part) => part.name === name.split('.')[0]));
  if (unknown.length > 0) {
    process.stderr.write(`There is no part ${unknown.join(', ')}. Parts: ${bench.parts.map((part) => part.name).join(', ')}.\n`);
    throw new StepFailed('bench');
  }
  const { only, directory, profile = null } = values;
  const plan = { ...bench.plan, quick: values.quick, rounds };
  const options = { ...bench, plan, only, profile, ...(directory === undefined ? {} : { directory }) };
  const result =
    values.from === undefined
      ? await measure(options, { printHeader, printPart, printLine, printLeftOut, printEnd })
      : JSON.parse(readFileSync(values.from, 'utf8'));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values['write-docs']) writePage(values.peers ? 'peers' : 'drover', result, performancePage);
});

async function drover(quick) {
  const { PARTS, versions } = await import('./bench/run.mjs');
  return { parts: PARTS, plan: quick ? QUICK : FULL, versions };
}

async function race(quick) {
  const { RACE_PARTS, RACE_FULL, RACE_QUICK, raceVersions } = await import('./bench/race/run.mjs');
  return { parts: RACE_PARTS, plan: quick ? RACE_QUICK : RACE_FULL, versions: raceVersions };
}

/** The page is made of the last run of each kind, which lie beside it in the repository. */
function writePage(kind, result, performancePage) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${kind}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const [own, peers] = ['drover', 'peers']
    .map((name) => join(RESULTS, `${name}.json`))
    .map((path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null));
  writeFileSync(PAGE, performancePage({ drover: own, peers }));
}
