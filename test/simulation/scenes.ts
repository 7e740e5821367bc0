// Bad moments that hardly ever come up by themselves: each brings a few things together that must not fall on the same moment.
import { isEnded } from '../../src/core/job.ts';

import type { Stage } from './faults.ts';
import { jobName, type Execution } from './ledger.ts';
import type { Node } from './node.ts';
import type { Random } from './random.ts';
import type { Snapshot } from './record.ts';

interface Scene {
  readonly name: string;
  readonly play: (stage: Stage, random: Random) => void;
}

const SECOND = 1_000;
/** The share of runs that have a scene, for each. */
const SHARE = 0.06;
/** Scenes begin early, for they take their time. */
const LATEST_BEGIN = 0.4;

/** So long a lease that no agent has listed is offered again, a little less. */
const MOST_OFFER_MS = 25 * SECOND;

/** Calls back a moment after the next start of a job. */
function afterNextStart(
  { world, ledger, nodes, isCalm }: Stage,
  ms: number,
  then: (found: { readonly execution: Execution; readonly node: Node }) => void,
): void {
  let isOver = false;
  ledger.onBegin((execution) => {
    const node = nodes.find(({ name }) => name === execution.machine);
    if (isOver || node === undefined) return;
    isOver = true;
    world.after(ms, () => (isCalm() ? undefined : then({ execution, node })));
  });
}

/** Calls back with each new state of the record until it is told that this was the one. */
function until({ watcher, isCalm }: Stage, isThere: (now: Snapshot) => boolean): void {
  watcher.until((now) => isCalm() || isThere(now));
}

const SCENES: readonly Scene[] = [
  {
    // A success comes late, of params that the job has no longer.
    name: 'edited while cut off',
    play(stage, random) {
      const { world, network, users } = stage;
      afterNextStart(stage, random.spread(10, 2 * SECOND), ({ execution, node }) => {
        const { machine } = node;
        const { experiment, number, job_id } = execution;
        world.trace(`${machine.name} is cut off until ${jobName(experiment, number)} is edited`);
        network.cut(machine);
        const params = { experiment };
        users.try(`hold ${experiment}`, (client) => client.experiments.change({ params, body: { held: true } }));
        until(stage, (now) => {
          const job = now.jobs.get(job_id);
          if (job?.status !== 'pending' || job.attempts !== execution.attempt) return job === undefined || isEnded(job.status);
          const body = { params: { index: random.int(100, 199) } };
          users.insist(`edit ${experiment}/${number}`, (client) => client.jobs.edit({ params: { ...params, number }, body }));
          world.after(random.spread(5 * SECOND, 60 * SECOND), () => network.heal(machine));
          world.after(120 * SECOND, () => users.try(`unhold ${experiment}`, (client) => client.experiments.change({ params, body: { held: false } })));
          return true;
        });
      });
    },
  },
  {
    // The server's own absence is longer than a term, and nobody was heard of meanwhile.
    name: 'server away beyond a term',
    play(stage, random) {
      const { world, server, silence } = stage;
      afterNextStart(stage, random.spread(10, 2 * SECOND), ({ execution }) => {
        server.kill();
        world.after(silence.lostAfter.get(execution.experiment)! * (1 + random.next() / 2), () => server.start());
      });
    },
  },
  {
    // A worker is told to pause while nothing reaches its machine, and asks for a job before it hears of that.
    name: 'command that does not arrive',
    play({ world, network, users, nodes }, random) {
      const { machine } = random.pick(nodes);
      const { experiment, params } = users.anyExperiment(random);
      const action = random.chance(0.8) ? 'pause' : 'drain';
      world.trace(`${machine.name} is cut off while its workers are told to ${action}`);
      network.cut(machine);
      users.try(`tell all workers of ${experiment} to ${action}`, (client) => client.workers.command({ params, body: { action } }));
      world.after(0.5 * SECOND, () => users.createJobs(random.int(1, 3)));
      world.after(random.spread(0.6 * SECOND, 20 * SECOND), () => network.heal(machine));
      world.after(120 * SECOND, () => users.try('let all workers run', (client) => client.workers.command({ params, body: { action: 'run' } })));
    },
  },
  {
    // The record is put back to where a lease had just been given out; the job that it stood for is long over.
    name: 'restored to a grant',
    play(stage, random) {
      const { world, backup, restore } = stage;
      until(stage, (now) => {
        const lease = now.leases.find(({ acknowledged }) => acknowledged === 0);
        if (lease === undefined) return false;
        const since = world.time;
        backup();
        until(stage, (later) => {
          const isOver = !later.leases.some(({ job_id }) => job_id === lease.job_id);
          const isLate = world.time - since > MOST_OFFER_MS;
          if (isOver && !isLate) world.after(random.spread(10, SECOND), restore);
          return isOver || isLate;
        });
        return true;
      });
    },
  },
  {
    // The record is put back to before a claim; another agent may claim the job before the first one is heard of again.
    name: 'restored to before a claim',
    play(stage, random) {
      const { world, network, backup, restore } = stage;
      until(stage, (now) => {
        if (![...now.jobs.values()].some(({ status, held_at }) => status === 'pending' && held_at === null)) return false;
        backup();
        afterNextStart(stage, random.spread(10, 2 * SECOND), ({ node }) => {
          const { machine } = node;
          world.trace(`${machine.name} is cut off while the record is put back`);
          network.cut(machine);
          world.after(random.spread(10, 5 * SECOND), restore);
          world.after(random.spread(10 * SECOND, 180 * SECOND), () => network.heal(machine));
        });
        return true;
      });
    },
  },
  {
    // The record is put back to before workers were told to pause. They pause, and it does not know that.
    name: 'restored to before a command',
    play(stage, random) {
      const { world, users, backup, restore } = stage;
      afterNextStart(stage, random.spread(10, 5 * SECOND), () => {
        backup();
        const { experiment, params } = users.anyExperiment(random);
        users.try(`tell all workers of ${experiment} to pause`, (client) => client.workers.command({ params, body: { action: 'pause' } }));
        until(stage, (now) => {
          const isTold = [...now.workers.values()].some(({ desired_state }) => desired_state === 'pause');
          if (isTold) world.after(random.spread(100, 20 * SECOND), restore);
          return isTold;
        });
        world.after(random.spread(0.5 * SECOND, 60 * SECOND), () => users.createJobs(random.int(1, 3)));
      });
    },
  },
];

/** Plans the scenes of a run; returns their names. */
export function planScenes(stage: Stage, until: number): string[] {
  const random = stage.world.random.fork('scenes');
  const chosen = SCENES.filter(() => random.chance(SHARE));
  for (const { name, play } of chosen) {
    const own = random.fork(name);
    stage.world.at(own.next() * until * LATEST_BEGIN, () => play(stage, own));
  }
  return chosen.map(({ name }) => name);
}
