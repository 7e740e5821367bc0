// npm run simulate: many simulated runs of the whole system, each from a seed, and what to do with one that broke a promise.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { bundleSimulation } from './simulation/bundle.mjs';
import { MUTANTS } from './simulation/mutants.mjs';
import { runSeeds, traceSeed } from './simulation/run-seeds.mjs';
import { ROOT, StepFailed, main, parseWords } from './step.mjs';

const USAGE = `npm run simulate -- [--seeds N] [--from S] [--also S,S] [--trace] [--keep-going] [--self-check] [--only NAME] [--json]

  --seeds N      number of runs (300), seeds S to S+N-1
  --from S       first seed (1)
  --also S,S     these seeds besides, first of all
  --trace        print every event; for one seed: --seeds 1 --from S --trace
  --keep-going   do not stop at the first broken promise
  --self-check   switch off one guard after the other, and see that each is missed
  --only NAME    with --self-check: this guard alone
  --json         one line of JSON for each run
`;

const OPTIONS = {
  seeds: { type: 'string' },
  from: { type: 'string', default: '1' },
  also: { type: 'string' },
  trace: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
  'self-check': { type: 'boolean', default: false },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

const FILE = join(ROOT, 'test-output', 'simulation', 'main.mjs');
/** A guard that is not missed within so many runs is not watched. */
const SELF_CHECK_SEEDS = 2_000;
const PROGRESS_MS = 2_000;

await main(async () => {
  const { values } = parseWords(OPTIONS, USAGE);
  if (values.help) return void process.stdout.write(USAGE);
  const from = wholeNumber(values.from, '--from');
  const seeds = wholeNumber(values.seeds ?? (values.trace ? '1' : values['self-check'] ? String(SELF_CHECK_SEEDS) : '300'), '--seeds');
  mkdirSync(dirname(FILE), { recursive: true });
  if (values['self-check']) return selfCheck({ from, seeds, only: values.only });
  await bundleSimulation(FILE);
  if (values.trace) return trace(from);
  const also = values.also === undefined ? [] : values.also.split(',').map((text) => wholeNumber(text, '--also'));
  await many({ from, seeds, also, keepGoing: values['keep-going'], json: values.json });
});

function wholeNumber(text, flag) {
  const number = Number(text);
  if (text !== '' && Number.isSafeInteger(number) && number >= 0) return number;
  process.stderr.write(`${flag} takes a whole number, not ${text === '' ? 'nothing' : text}.\n`);
  throw new StepFailed(flag);
}

async function trace(seed) {
  const result = await traceSeed(FILE, seed, (line) => process.stdout.write(`${line}\n`));
  if (result.violation !== null) tellFailure(result);
}

async function many({ from, seeds, also, keepGoing, json }) {
  const began = performance.now();
  const sum = { runs: 0, failed: 0, steps: 0, hours: 0, jobs: 0, executions: 0, looks: 0 };
  let told = began;
  await runSeeds(FILE, {
    ...{ from, seeds, also },
    onResult(result) {
      sum.runs += 1;
      sum.steps += result.steps;
      sum.looks += result.looks;
      sum.hours += result.time / 3_600_000;
      sum.jobs += result.jobs;
      sum.executions += result.executions;
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
      if (result.violation !== null) {
        sum.failed += 1;
        tellFailure(result);
        if (!keepGoing) return 'stop';
      }
      if (process.stderr.isTTY && performance.now() - told > PROGRESS_MS) {
        told = performance.now();
        process.stderr.write(`\r${sum.runs}/${seeds + also.length} runs, ${sum.failed} broken, ${Math.round((sum.runs * 1000) / (told - began))}/s   `);
      }
      return 'go on';
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r');
  const number = (value) => Math.round(value).toLocaleString('en-US');
  const seconds = (performance.now() - began) / 1000;
  process.stderr.write(
    `${number(sum.runs)} runs in ${seconds.toFixed(0)} s: ${number(sum.hours)} simulated hours, ${number(sum.jobs)} jobs, ${number(sum.executions)} executions, ` +
      `${number(sum.steps)} events, ${number(sum.looks)} looks at the record; ${sum.failed === 0 ? 'every promise was kept' : `${sum.failed} broken`}\n`,
  );
}

function tellFailure({ seed, violation, lifeLine, steps, time, troubles }) {
  process.exitCode = 1;
  process.stderr.write(`\nseed ${seed}, event ${steps}, after ${(time / 1000).toFixed(1)} s: ${violation}\n`);
  process.stderr.write(`  trouble of this run: ${troubles.length === 0 ? 'none' : troubles.join(', ')}\n`);
  for (const line of lifeLine) process.stderr.write(`  ${line}\n`);
  process.stderr.write(`  see it again: npm run simulate -- --from ${seed} --trace\n`);
}

async function selfCheck({ from, seeds, only }) {
  const chosen = MUTANTS.filter(({ name }) => only === undefined || name === only);
  if (chosen.length === 0) throw new Error(`There is no guard ${only}. There are: ${MUTANTS.map(({ name }) => name).join(', ')}`);
  let missed = 0;
  for (const mutant of chosen) {
    const file = join(dirname(FILE), `without-${mutant.name.replaceAll(' ', '-')}.mjs`);
    await bundleSimulation(file, mutant);
    let runs = 0;
    let caught = null;
    await runSeeds(file, {
      ...{ from, seeds },
      onResult(result) {
        runs += 1;
        if (result.violation === null) return 'go on';
        if (caught === null || result.seed < caught.seed) caught = result;
        return 'stop';
      },
    });
    if (caught === null) missed += 1;
    process.stdout.write(
      `${caught === null ? 'NOT MISSED' : 'missed    '}  ${mutant.name}: ${caught === null ? `after ${runs} runs` : `run ${runs}, seed ${caught.seed}: ${caught.violation.split('\n')[0]}`}\n`,
    );
  }
  process.stdout.write(`${chosen.length - missed} of ${chosen.length} guards are watched\n`);
  if (missed > 0) process.exitCode = 1;
}
