// Variables: set and removed by those who may bring command text, because that is what they become; secrets by owners.
import type { contract, VariableShape } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { findVariable, listVariables, removeVariable, setVariable, SHARED, type Variable } from '../../store/variables.ts';
import type { Transaction } from '../../store/writer.ts';
import { mayKeepSecrets } from '../access.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';

export const variableHandlers: Handlers<typeof contract>['variables'] = {
  async list(_input, call) {
    return list(call, namedExperiment(call).id);
  },
  async set({ params, body }, call) {
    return set(call, { experiment_id: namedExperiment(call).id, name: params.name, ...body });
  },
  async remove({ params }, call) {
    return remove(call, { experiment_id: namedExperiment(call).id, name: params.name });
  },
  async listShared(_input, call) {
    return list(call, SHARED);
  },
  async setShared({ params, body }, call) {
    return set(call, { experiment_id: SHARED, name: params.name, ...body });
  },
  async removeShared({ params }, call) {
    return remove(call, { experiment_id: SHARED, name: params.name });
  },
};

interface Place {
  readonly experiment_id: number;
  readonly name: string;
}

async function list(call: Call, experimentId: number) {
  const variables = await listVariables(call.context.store, experimentId);
  return { variables: variables.map(variableShape) };
}

async function set(call: Call, wanted: Place & { readonly value: string; readonly secret: boolean }): Promise<VariableShape> {
  const { store } = call.context;
  const variable = await store.write(async (tx) => {
    await requireSecretRights(tx, call, wanted);
    return setVariable(tx, store.key, { ...wanted, actor: actorName(call.actor) });
  });
  return variableShape(variable);
}

async function remove(call: Call, place: Place): Promise<{ removed: true }> {
  await call.context.store.write(async (tx) => {
    await requireSecretRights(tx, call, place);
    await removeVariable(tx, { ...place, actor: actorName(call.actor) });
  });
  return { removed: true };
}

/** For what is to be a secret, and for what is one. */
async function requireSecretRights(tx: Transaction, call: Call, { experiment_id, name, secret = false }: Place & { readonly secret?: boolean }): Promise<void> {
  if (mayKeepSecrets(call.actor) || (!secret && (await findVariable(tx, experiment_id, name))?.secret !== true)) return;
  throw new Refusal(
    'forbidden',
    `${name} is a secret, and secrets are set and removed with the role owner. Ask an owner of this experiment, or choose another name.`,
  );
}

function variableShape({ updated_at, ...variable }: Variable): VariableShape {
  return { ...variable, updated_at: toIso(updated_at) };
}
