// `npm run bench`: measures Drover beside what it can be compared with on this machine, in the same run.
//   --quick          small sizes, under half a minute: for tests, not for conclusions
//   --only NAME      some parts only (base, cycles, start, processes, million); may be repeated. `base` always runs: it gives the ratios
//   --json FILE      writes everything that was measured
//   --write-docs     writes docs/explanation/performance.md from it
//   --from FILE      measures nothing and takes what --json wrote
//   --rounds N       rounds of each line; default 5
//   --profile DIR    CPU profiles of the servers and agents that were started
//   --directory DIR  where the temporary data go; default the system's
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { setUp } from './setup.mjs';
import { ROOT, StepFailed, main, packageProgram, requiredStep } from './step.mjs';

const PAGE = join(ROOT, 'docs/explanation/performance.md');

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] },
  json: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
  from: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  profile: { type: 'string' },
  directory: { type: 'string' },
};

const FULL = {
  ...{ short_ms: 1_500, queue_jobs: 900_000, starts: 250, processes: 2_000, process_rounds: 3, large: 1_000_000, ended: 40_000, queries: 40, restarts: 3 },
  cycles: { 'cycles.64': 30_000, 'cycles.2000': 80_000, 'cycles.32x1': 12_000 },
};

const QUICK = {
  ...{ short_ms: 60, queue_jobs: 60_000, starts: 10, processes: 40, process_rounds: 1, large: 20_000, ended: 2_000, queries: 3, restarts: 1 },
  cycles: { 'cycles.64': 1_280, 'cycles.2000': 4_000, 'cycles.32x1': 320 },
};

await main(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  await setUp();
  // Packages and the built program are there only now.
  const [{ PARTS, measure }, { printHeader, printLine, printPart }, { performancePage }] = await Promise.all([
    import('./bench/run.mjs'),
    import('./bench/report.mjs'),
    import('./bench/page.mjs'),
  ]);
  const unknown = values.only.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no part ${unknown.join(', ')}. Parts: ${PARTS.map((part) => part.name).join(', ')}.\n`);
    throw new StepFailed('bench');
  }
  const plan = { ...(values.quick ? QUICK : FULL), quick: values.quick, rounds: values.quick ? 1 : Number(values.rounds) };
  const options = { plan, only: values.only, profile: values.profile ?? null, ...(values.directory === undefined ? {} : { directory: values.directory }) };
  const result = values.from === undefined ? await measure(options, { printHeader, printPart, printLine }) : JSON.parse(readFileSync(values.from, 'utf8'));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values['write-docs']) {
    writeFileSync(PAGE, performancePage(result));
    await requiredStep('page', process.execPath, [packageProgram('prettier/bin/prettier.cjs'), '--write', PAGE]);
  }
});
