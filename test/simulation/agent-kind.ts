// Agents as nodes of a run: how one is put together, and what it may do to a job.
import type { SyncReplyShape } from '../../src/contract/index.ts';
import { isEnded } from '../../src/core/job.ts';

import { AgentNode } from './agent-node.ts';
import { Disk } from './disk.ts';
import { jobName, type Execution } from './ledger.ts';
import type { Ground, NodeKind } from './node.ts';
import { Processes } from './processes.ts';
import { Violation } from './world.ts';

export const agentKind: NodeKind = {
  prefix: 'm',
  count: (random) => random.int(1, 4),
  isEnough: (left) => left.length > 0,
  make(name, ground) {
    const { world, random, network, ledger, silence, api_key } = ground;
    const machine = ground.makeMachine(name);
    const disk = new Disk(world, machine);
    disk.makeDirectory(`/sim/${name}/jd_data`, true);
    disk.makeDirectory('/jd', true);
    ground.mount(`/sim/${name}`, disk);
    const node: AgentNode = new AgentNode({
      ...{ world, machine, disk, network, ledger, api_key, workers: random.int(1, 3), experiments: null, has_script: ground.has_old_clients },
      processes: new Processes({
        ...{ world, machine, disk, ledger },
        onSignal: (execution) => judgeSignal(ground, node, execution),
      }),
      onIdentity: (credential, agent) => silence.knows(credential, agent),
      onForget: (agent) => void silence.forgetful.add(agent),
      onReply: (from, reply) => hear(ground, from, reply),
    });
    return node;
  },
};

/** What an agent was told is on disk must be there at the end. */
function hear({ ledger, watcher, world }: Ground, from: AgentNode, reply: SyncReplyShape): void {
  for (const end of reply.settled) {
    const ran = [...ledger.executions.values()].find((each) => each.job_id === end.job_id && each.attempt === end.attempt && each.machine === from.name);
    const row = watcher.reader.attempts(end.job_id).find((each) => each.attempt === end.attempt);
    if (ran !== undefined && typeof row?.outcome === 'string')
      ledger.settled.set(ran.token, { at: world.time, outcome: row.outcome as never, result: end.result });
  }
}

/** A job is only stopped for a reason: somebody wanted that, its time was over, its worker was told to go, or another attempt took over. */
function judgeSignal(ground: Ground, node: AgentNode, execution: Execution): void {
  const { ledger, watcher, world } = ground;
  const name = jobName(execution.experiment, execution.number);
  if (ledger.isUnwanted(name) || node.told_to_leave || ledger.restores.length > 0) return;
  if (node.machine.monotonic() >= timeoutOf(ground, execution) - 5) return;
  const job = watcher.snapshot.jobs.get(execution.job_id);
  const isReplaced = job === undefined || job.attempts > execution.attempt || isEnded(job.status) || job.revision > 1;
  if (!isReplaced) world.fail(new Violation(`${name} was stopped on ${node.name} for no reason`, name));
}

function timeoutOf({ users }: Ground, execution: Execution): number {
  const settings = users.settingsOf(execution.experiment);
  const common = settings.timeout_seconds === null ? Infinity : execution.monotonic_start + settings.timeout_seconds * 1000;
  return Math.min(execution.timeout_at, common);
}
