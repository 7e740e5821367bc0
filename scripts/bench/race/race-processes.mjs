// Real processes, two at a time, with their output kept: from the submission of all until the end of the last is known.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { SLOTS, gnuParallel, hasGnuParallel, inDirectory, shell, xargs } from '../launchers.mjs';
import { contest } from './contest.mjs';
import { openResources, pythonProgram } from './resources.mjs';

const UNIT = 'processes per second';
const LOOK_MS = 5;

export const RACE_PROCESSES = {
  name: 'processes',
  title: 'Real processes, two at a time, with their output kept',
  async run(stage, plan, { emit, leaveOut, selected }) {
    const resources = openResources(stage);
    try {
      const works = [{ group: 'processes.true', command: '/bin/true', count: plan.race_processes.true }];
      if (selected('processes.python')) {
        const python = pythonProgram();
        if (python === null) leaveOut({ id: 'processes.python', title: 'python3 -c pass', reason: 'python3 is not installed' });
        else works.push({ group: 'processes.python', command: `${python} -c pass`, count: plan.race_processes.python });
      }
      for (const work of works)
        await contest(launchers(stage, resources, { ...work, slurm: plan.race_processes.slurm }), { rounds: plan.rounds, selected, emit, leaveOut });
    } finally {
      await resources.close();
    }
  },
};

const DROVER = 'Processor time: a sync and a commit for what ended, the shim and the shell of each job, and the files that outlive a crash.';

function launchers(stage, resources, { group, command, count, slurm }) {
  const work = { command, count };
  const one = (name, what, launch, jobs = count) => ({
    ...{ id: `${group}.${name}`, group, unit: UNIT, who: 'peer', durable: false, base: `${group}.xargs`, rivals: 'all', ...what },
    async open() {
      const ready = await launch();
      return ready.missing === undefined ? { measure: () => perSecond(jobs, ready.run) } : ready;
    },
  });
  return [
    one('drover', { who: 'drover', durable: true, title: 'Drover, 2 workers', limit: DROVER }, async () => {
      const { runJobs } = await resources.agent('race');
      return { run: () => runJobs(work) };
    }),
    one(
      'xargs',
      { who: 'bare', base: null, title: 'xargs -P2, output to files', limit: 'A shell and a program for each; nothing is written down.' },
      async () => ({
        run: () => xargs(stage, work),
      }),
    ),
    one('parallel', { title: 'GNU parallel -j2 --joblog --results', limit: 'Perl: forks, and writes a line and two files for each.' }, async () =>
      hasGnuParallel() ? { run: () => gnuParallel(stage, work) } : { missing: 'GNU parallel is not installed. On Debian: apt-get install parallel' },
    ),
    one('task-spooler', { title: 'task-spooler, 2 slots', limit: 'A client for each submission; the queue is in memory only.' }, async () => {
      const { missing, env } = await resources.taskSpooler();
      return missing === undefined ? { run: () => taskSpooler(stage, work, env) } : { missing };
    }),
    one(
      'slurm-steps',
      { title: 'Slurm, srun steps in one allocation, 2 at a time', limit: 'Three daemons and their authentication for each step.' },
      () => onSlurm(stage, resources, { command, count: slurm.steps }, steps),
      slurm.steps,
    ),
    one(
      'slurm-array',
      { title: 'Slurm, job array on 2 processors', durable: true, limit: 'The scheduler looks for work at its own pace.' },
      () => onSlurm(stage, resources, { command, count: slurm.array }, array),
      slurm.array,
    ),
  ];
}

/** What `run` returns is looked at afterwards, when the clock has stopped. */
async function perSecond(jobs, run) {
  const began = performance.now();
  const check = await run();
  const seconds = (performance.now() - began) / 1000;
  await check?.();
  return jobs / seconds;
}

/** The last job takes both slots, so it ends after all others. Its switch for separate files fails every job (1.0.1), so both streams share one. */
async function taskSpooler(stage, { command, count }, own) {
  const directory = stage.path('task-spooler');
  mkdirSync(directory);
  const env = { ...own, TMPDIR: directory };
  await shell(stage, `for i in $(seq ${count}); do tsp ${command}; done > "${directory}/ids" && tsp -N ${SLOTS} true > "${directory}/last" && tsp -w`, env);
  return async () => {
    const list = execFileSync('tsp', ['-l'], { env: { ...process.env, ...env }, encoding: 'utf8' });
    const good = list.split('\n').filter((row) => /^\d+ +finished +\S+ +0 /.test(row)).length;
    if (good !== count + 1) throw new Error(`Of ${count + 1} jobs of task-spooler ${good} ended well:\n${list.slice(0, 2_000)}`);
    await shell(stage, 'tsp -C', env);
    rmSync(directory, { recursive: true });
  };
}

async function onSlurm(stage, resources, work, how) {
  const slurm = await resources.slurm();
  return slurm.missing === undefined ? { run: () => inDirectory(stage, 'slurm-output', (directory) => how(stage, slurm, { ...work, directory })) } : slurm;
}

async function steps(stage, { env }, { command, count, directory }) {
  const step = `srun -Q -n1 --exact --mem-per-cpu=50 -o "${directory}/@@.out" -e "${directory}/@@.err" ${command}`;
  await shell(stage, `salloc -Q -n${SLOTS} sh -c 'seq ${count} | xargs -P${SLOTS} -I@@ ${step}'`, env);
}

async function array(stage, slurm, { command, count, directory }) {
  const target = slurm.ended() + count;
  await shell(stage, `sbatch --parsable --array=1-${count} -o "${directory}/%a.out" -e "${directory}/%a.err" --wrap 'exec ${command}'`, slurm.env);
  while (slurm.ended() < target) await sleep(LOOK_MS);
}
