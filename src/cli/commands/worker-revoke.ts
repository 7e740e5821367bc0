// `drover worker revoke`: ends what an agent may do, wherever it is, for good.
import type { WorkerShape } from '../../contract/schemas.ts';
import { WORKER_ID } from '../../core/identifiers.ts';
import { addCommand, experimentOption, onRun, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { confirmYes } from '../prompt.ts';
import { experimentsMeant } from '../worker-list.ts';

export const addWorkerRevoke: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'revoke <agent>', {
    summary: 'Revoke an agent: the server takes nothing from it any more',
    examples: ['worker revoke gpunode_egg', 'worker revoke gpunode_egg_0 --yes'],
    notes:
      'For an agent whose machine or secret is no longer trusted; an owner of any experiment that it serves may do it. It cannot be undone, and it concerns all workers of the agent. The agent takes no more jobs, lets those that run go on to their end and leaves; the server gives these jobs to others when the agent has been silent for as long as the experiment allows. An agent that should only leave is told so: drover worker tell drain.',
  });
  experimentOption(command).option('-y, --yes', 'do not ask');
  onRun<{ yes?: true }>(command, dependencies, async ({ context, options, words }) => {
    const agent = agentName(words[0]!);
    const { client } = await context.connection();
    const { experiment, workers } = await findAgent(context, agent);
    const busy = workers.filter(({ status }) => status === 'busy').length;
    if (options.yes !== true) await confirmYes(dependencies, `revoke ${agent} with its ${counted(workers.length, 'worker')}, ${busy} of them busy, for good?`);
    const reply = await client.workers.revoke({ params: { experiment, agent } });
    const jobs = reply.running_jobs === 0 ? '' : ` It held ${counted(reply.running_jobs, 'job')}, which will count as lost.`;
    await context.output.show({ json: reply, ids: [agent], blocks: [{ text: `Revoked ${agent}.${jobs}` }] });
  });
};

/** A worker id means its agent. */
function agentName(word: string): string {
  const match = WORKER_ID.exec(word);
  return match === null ? word : `${match[1]}_${match[2]}`;
}

/** An experiment through which the agent is reached, and its workers. */
async function findAgent(context: Context, agent: string): Promise<{ experiment: string; workers: WorkerShape[] }> {
  const { client } = await context.connection();
  for (const experiment of await experimentsMeant(context)) {
    const reply = await client.workers.list({ params: { experiment } });
    const workers = reply.workers.filter(({ host, instance }) => `${host}_${instance}` === agent);
    if (workers.length > 0) return { experiment, workers };
  }
  throw new CliFailure(
    EXIT.not_found,
    `There is no agent ${agent}, or it was revoked before. drover worker ls shows workers; without its last part the id of a worker names its agent.`,
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
