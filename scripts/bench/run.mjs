// Runs the parts one after the other on a stage of its own each, and collects their lines.
import { tmpdir } from 'node:os';

import { BASE } from './base.mjs';
import { CYCLES } from './cycles.mjs';
import { describeMachine, firstLine, load } from './machine.mjs';
import { MILLION } from './million.mjs';
import { PROCESSES } from './processes.mjs';
import { openStage } from './stage.mjs';
import { START } from './start-latency.mjs';

export const PARTS = [BASE, CYCLES, START, PROCESSES, MILLION];

/** Everything that was measured, as data; `screen` shows it as it comes. */
export async function measure({ plan, only, profile, directory = tmpdir() }, screen) {
  const machine = { ...describeMachine(directory), xargs: firstLine('xargs', ['--version']), parallel: firstLine('parallel', ['--version']) };
  const result = { taken_at: new Date().toISOString(), quick: plan.quick, rounds: plan.rounds, machine, load_before: load(), load_after: [], parts: [] };
  screen.printHeader(result);
  for (const part of PARTS.filter(({ name }) => name === 'base' || only.length === 0 || only.includes(name))) {
    const lines = [];
    result.parts.push({ name: part.name, title: part.title, load: load(), lines });
    screen.printPart(result.parts.at(-1));
    await onStage({ profile, directory }, (stage) =>
      part.run(
        stage,
        plan,
        (line) => {
          lines.push(line);
          screen.printLine(line);
        },
        (id) => findLine(result, id),
      ),
    );
  }
  result.load_after = load();
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
