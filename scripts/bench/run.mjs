// Runs the parts one after the other on a stage of its own each, and collects their lines.
import { tmpdir } from 'node:os';

import { BASE } from './base.mjs';
import { CYCLES } from './cycles.mjs';
import { DASHBOARD } from './dashboard.mjs';
import { describeMachine, firstLine, load } from './machine.mjs';
import { MILLION } from './million.mjs';
import { PROCESSES } from './processes.mjs';
import { openStage } from './stage.mjs';
import { START } from './start-latency.mjs';

export const PARTS = [BASE, CYCLES, START, PROCESSES, MILLION, DASHBOARD];

/** Versions of the programs that processes are compared with. */
export const versions = () => ({ xargs: firstLine('xargs', ['--version']), parallel: firstLine('parallel', ['--version']) });

/** Parts whose lines others are compared with. */
const ALWAYS = ['base'];

/**
 * Everything that was measured, as data; `screen` shows it as it comes. `only` names parts, or lines by the beginning of their ids
 * up to a dot; `versions()` are those of the programs that Drover is compared with.
 */
export async function measure({ parts, plan, only, versions, profile, directory = tmpdir() }, screen) {
  const { quick, rounds } = plan;
  const taken_at = new Date().toISOString();
  const result = { taken_at, quick, rounds, machine: describeMachine(directory), load_before: load(), load_after: [], minutes: 0, parts: [], left_out: [] };
  screen.printHeader(result);
  const began = performance.now();
  const selected = (id) => only.length === 0 || only.some((name) => id === name || id.startsWith(`${name}.`) || name.startsWith(`${id}.`));
  const leaveOut = (one) => {
    result.left_out.push(one);
    screen.printLeftOut(one);
  };
  for (const part of parts.filter(({ name }) => ALWAYS.includes(name) || selected(name))) {
    const lines = [];
    result.parts.push({ name: part.name, title: part.title, load: load(), lines });
    screen.printPart(result.parts.at(-1));
    const emit = (one) => {
      lines.push(one);
      screen.printLine(one);
    };
    await onStage({ profile, directory }, (stage) => part.run(stage, plan, { emit, leaveOut, selected, baseLine: (id) => findLine(result, id) }));
  }
  // What was installed for the run is there only now.
  Object.assign(result.machine, versions());
  result.load_after = load();
  result.minutes = (performance.now() - began) / 60_000;
  screen.printEnd(result);
  return result;
}

/** A stage is closed whatever happens in it: when a signal or an error that nobody caught ends the process, too. */
async function onStage(options, work) {
  const stage = openStage(options);
  const onSignal = (signal) => process.exit(signal === 'SIGINT' ? 130 : 143);
  process.once('exit', stage.closeNow).once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await work(stage);
  } finally {
    await stage.close();
    process.off('exit', stage.closeNow).off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function findLine(result, id) {
  const found = result.parts.flatMap((part) => part.lines).find((one) => one.id === id);
  if (found === undefined) throw new Error(`${id} was not measured before it was needed.`);
  return found;
}
