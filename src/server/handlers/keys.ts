// API keys of one experiment, in the hands of its owner.
import type { contract } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { fromIso } from '../../runtime/clock.ts';
import { createKey, deleteKey, listOwnKeys } from '../../store/access.ts';
import { keyShape } from '../actor-shape.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { writeOnce } from '../idempotency.ts';
import { invalid } from '../new-jobs.ts';

export const keyHandlers: Handlers<typeof contract>['keys'] = {
  async list(_input, call) {
    const keys = await listOwnKeys(call.context.store, namedExperiment(call).id);
    return { keys: keys.map((key) => keyShape(key, namesOf(call))) };
  },
  async create({ body }, call) {
    const { id } = namedExperiment(call);
    const expires_at = body.expires_at === null ? null : fromIso(body.expires_at);
    if (expires_at !== null && expires_at <= call.context.clock.now())
      throw invalid('This moment is in the past. Give one to come, or leave it out.', 'expires_at');
    return writeOnce(call, `keys.create ${id}`, body, async (tx) => {
      const made = await createKey(tx, { name: body.name, role: body.role, experiments: [id], expires_at, actor: actorName(call.actor) });
      return { ...keyShape(made, namesOf(call)), key: made.key };
    });
  },
  async remove({ params }, call) {
    const { id, name } = namedExperiment(call);
    await call.context.store.write(async (tx) => {
      const own = await listOwnKeys(tx, id);
      if (!own.some((key) => Number(key.id) === params.id)) throw new Refusal('not_found', `There is no API key ${params.id} of ${name} alone.`);
      await deleteKey(tx, params.id, actorName(call.actor));
    });
    call.context.access.forget();
    return { deleted: true };
  },
};

function namesOf(call: Call): ReadonlyMap<number, string> {
  const { id, name } = namedExperiment(call);
  return new Map([[id, name]]);
}
