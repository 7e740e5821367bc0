// Experiments: create, show, change, delete.
import type { contract } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { randomPin } from '../../runtime/ids.ts';
import { changeExperiment, createExperiment, deleteExperiment, listExperiments } from '../../store/experiments.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { writeOnce } from '../idempotency.ts';
import { experimentShape } from '../wire.ts';

import { pinHandlers } from './pin.ts';

async function show(call: Call, id: number) {
  const [record] = await listExperiments(call.context.store, [id]);
  if (record === undefined) throw new Refusal('experiment_not_found', 'The experiment has just been deleted.');
  return experimentShape(record);
}

export const experimentHandlers: Handlers<typeof contract>['experiments'] = {
  ...pinHandlers,
  async list(_input, call) {
    const ids = 'experiments' in call.actor ? call.actor.experiments : [];
    const records = await listExperiments(call.context.store, ids);
    return { experiments: records.map(experimentShape) };
  },
  async create({ body }, call) {
    if ('experiments' in call.actor && call.actor.experiments !== null) {
      throw new Refusal('forbidden', 'This key is for certain experiments only, so it cannot create another one. Use a key for all experiments.');
    }
    const { store } = call.context;
    const { id } = await writeOnce(call, 'experiments.create', body, async (tx) => ({
      id: await createExperiment(
        tx,
        { name: body.name, description: body.description, settings: body.settings ?? {}, pin_cipher: store.key.encrypt(randomPin()) },
        actorName(call.actor),
      ),
    }));
    return show(call, id);
  },
  async get(_input, call) {
    return show(call, namedExperiment(call).id);
  },
  async change({ body }, call) {
    const { id } = namedExperiment(call);
    await call.context.store.write((tx) => changeExperiment(tx, id, body, actorName(call.actor)));
    return show(call, id);
  },
  async remove({ query }, call) {
    const { id, name } = namedExperiment(call);
    if (query.confirm !== name) {
      throw new Refusal('invalid_input', `To delete the experiment with all its jobs, logs and files, repeat its name: confirm=${name}`);
    }
    await call.context.store.write((tx) => deleteExperiment(tx, id, actorName(call.actor)));
    return { deleted: true };
  },
};
