// The agent protocol: registration, sync, sign-off. What is decided is decided in core and store; this translates.
import type { contract, LeaseShape, SyncReplyShape, SyncRequestShape } from '../../contract/index.ts';
import { isDriven } from '../../core/identifiers.ts';
import type { Params } from '../../core/params.ts';
import { Refusal } from '../../core/refusal.ts';
import { MACHINE_PLACEHOLDER } from '../../core/template.ts';
import { toIso } from '../../runtime/clock.ts';
import { hashSecret, newSecret, pickWord } from '../../runtime/ids.ts';
import { leaveAgent, registerAgent, updateAgent } from '../../store/agents.ts';
import { DEFAULT_SETTINGS, listExperiments } from '../../store/experiments.ts';
import type { GrantedLease, SyncAnswer } from '../../store/sync-session.ts';
import { agentRevoked } from '../access.ts';
import { actorName, type Call, type Handlers } from '../context.ts';
import { writeOnce } from '../idempotency.ts';
import { leaseCommand } from '../lease-command.ts';
import { NEXT_SYNC_MS } from '../sync-desk.ts';

import { shippingHandlers } from './shipping.ts';

function agentId(call: Call): number {
  if (call.actor.kind !== 'agent') throw new Refusal('forbidden', 'Only an agent may do this.');
  return call.actor.id;
}

/** Ids of the experiments that an agent asks for, within what its key may see; null for all. */
async function allowedExperiments(call: Call, names: readonly string[] | null): Promise<number[] | null> {
  const { actor, context } = call;
  if (!('experiments' in actor) || actor.role === 'viewer') throw new Refusal('forbidden', 'This key may only look. Register agents with an operator key.');
  if (names === null) return actor.experiments === null ? null : [...actor.experiments];
  const visible = await listExperiments(context.store, actor.experiments);
  const chosen = visible.filter((experiment) => names.includes(experiment.name));
  const missing = names.find((name) => !chosen.some((experiment) => experiment.name === name));
  if (missing !== undefined)
    throw new Refusal('experiment_not_found', `There is no experiment ${missing}. Create it first: drover experiment create ${missing}`);
  return chosen.map((experiment) => experiment.id);
}

function leaseShape(lease: GrantedLease, takes_secrets: boolean): LeaseShape {
  const params = JSON.parse(lease.params_json) as Params;
  const { job_id, experiment, number, attempt, rank, token, slot, timeout_seconds, template, variables, secrets } = lease;
  const made =
    template === null ? null : leaseCommand({ template, params: { [MACHINE_PLACEHOLDER]: lease.machine, ...params }, variables, secrets, takes_secrets });
  return {
    job_id,
    experiment,
    number,
    attempt,
    rank,
    token,
    slot,
    params: params as LeaseShape['params'],
    command: made?.command ?? null,
    ...(made?.secrets === undefined ? {} : { secrets: made.secrets }),
    machine: isDriven(lease.slot) && made?.unfit !== true ? lease.machine : null,
    timeout_seconds,
    grace_seconds: lease.grace_seconds ?? DEFAULT_SETTINGS.grace_seconds,
  };
}

function syncReply(call: Call, answer: SyncAnswer, takes_secrets: boolean): SyncReplyShape {
  const { store, clock } = call.context;
  return {
    store_id: store.id,
    store_position: answer.position,
    now: toIso(clock.now()),
    next_sync_within_seconds: NEXT_SYNC_MS / 1000,
    superseded: answer.superseded,
    leases: answer.leases.map((lease) => leaseShape(lease, takes_secrets)),
    settled: answer.settled,
    revoked: answer.revoked,
    unknown: answer.unknown,
    workers: [...answer.workers],
    ...(answer.driven === null ? {} : { driven: [...answer.driven] }),
  };
}

async function sync(body: SyncRequestShape, call: Call): Promise<SyncReplyShape> {
  const { wait_seconds, takes_secrets, ...message } = body;
  const result = await call.context.desk.sync({ ...message, agent_id: agentId(call) }, wait_seconds * 1000, call.signal);
  if (result === 'gone') throw new Refusal('unauthenticated', 'This agent was removed. Start it again with an API key.');
  if (result === 'revoked') throw agentRevoked();
  if (result === 'stale') throw new Refusal('stale_sync', `Sync ${body.sync_seq} comes after a newer one of this agent; send a higher number.`);
  return syncReply(call, result, takes_secrets);
}

export const agentHandlers: Handlers<typeof contract>['agents'] = {
  ...shippingHandlers,
  async register({ body }, call) {
    const { context } = call;
    const experiments = await allowedExperiments(call, body.experiments);
    return writeOnce(call, 'agents.register', body, async (tx) => {
      const secret = newSecret('jda_');
      const agent = await registerAgent(
        tx,
        {
          ...body,
          experiments,
          secret_hash: hashSecret(secret),
          next_sync_within_ms: NEXT_SYNC_MS,
          nextWord: () => pickWord(context.random()),
        },
        actorName(call.actor),
      );
      return { agent_id: agent.id, secret, host: agent.host, instance: agent.instance, worker_ids: [...agent.worker_ids], store_id: context.store.id };
    });
  },
  async update({ body }, call) {
    const { store } = call.context;
    const agent = await store.write((tx) => updateAgent(tx, agentId(call), body));
    return { agent_id: agent.id, host: agent.host, instance: agent.instance, worker_ids: [...agent.worker_ids], store_id: store.id };
  },
  sync: ({ body }, call) => sync(body, call),
  async leave({ body }, call) {
    await call.context.store.write((tx) => leaveAgent(tx, agentId(call), body.incarnation, body.reason));
    return { left: true };
  },
};
