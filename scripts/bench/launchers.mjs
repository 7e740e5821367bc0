// What starts real processes, two at a time, with their output kept in files: Drover and whatever else people use on one machine.
import { mkdirSync, rmSync } from 'node:fs';

import { allDone } from './experiment.mjs';
import { firstLine } from './machine.mjs';

export const SLOTS = 2;

/** From the submission of all until every end is recorded. */
export function throughDrover(server, experiment) {
  let target = 0;
  return async ({ command, count }) => {
    target += count;
    await server.api.call('POST', `/experiments/${experiment}/jobs`, { command, jobs: [{}], times: count });
    await allDone(server, experiment, target);
  };
}

export async function xargs(stage, { command, count }) {
  await inDirectory(stage, 'xargs', (directory) =>
    shell(stage, `seq ${count} | xargs -P ${SLOTS} -I @@ sh -c '${command} > "${directory}/@@.out" 2> "${directory}/@@.err"'`),
  );
}

export const hasGnuParallel = () => firstLine('parallel', ['--version'])?.startsWith('GNU parallel') === true;

export async function gnuParallel(stage, { command, count }) {
  await inDirectory(stage, 'parallel', (directory) =>
    shell(
      stage,
      `seq ${count} | parallel --will-cite -j ${SLOTS} --joblog "${directory}/log" --results "${directory}/results" ${command} '#' > "${directory}/all" 2>&1`,
    ),
  );
}

/** Runs a line of shell to its end. */
export async function shell(stage, text, env = {}) {
  const program = stage.start('/bin/sh', ['-c', text], { label: 'launcher', env });
  const { code } = await program.ended;
  if (code !== 0) throw new Error(`${text} ended with ${code}:\n${program.read()}`);
}

/** In a directory that is gone afterwards. */
export async function inDirectory(stage, name, work) {
  const directory = stage.path(name);
  mkdirSync(directory);
  await work(directory);
  rmSync(directory, { recursive: true });
}
