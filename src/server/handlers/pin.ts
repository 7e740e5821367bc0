// The PIN of an experiment: shown to its owner, changed by whoever knows it.
import type { contract } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { sameText } from '../../runtime/ids.ts';
import { changePin, findPin, type StoredPin } from '../../store/access.ts';
import { clientGroup } from '../client-address.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';

export const pinHandlers: Pick<Handlers<typeof contract>['experiments'], 'pin' | 'changePin'> = {
  async pin(_input, call) {
    const stored = await storedPin(call);
    return { pin: call.context.store.key.decrypt(stored.pin_cipher), changed_at: toIso(stored.pin_changed_at) };
  },
  async changePin({ body }, call) {
    const { context, actor } = call;
    const stored = await storedPin(call);
    const isOwner = (actor.kind === 'key' || actor.kind === 'link') && (actor.role === 'owner' || actor.role === 'admin');
    if (!isOwner) requirePin(call, stored, body.current_pin ?? '');
    const pin_cipher = context.store.key.encrypt(body.new_pin);
    await context.store.write((tx) => changePin(tx, { experiment_id: stored.experiment_id, pin_cipher, actor: actorName(actor) }));
    context.access.forget();
    return { changed: true };
  },
};

async function storedPin(call: Call): Promise<StoredPin> {
  const { name } = namedExperiment(call);
  const stored = await findPin(call.context.store, name);
  if (stored === null) throw new Refusal('experiment_not_found', `There is no experiment ${name}.`);
  return stored;
}

/** Guessed here is as good as guessed at the login, so the same guard counts. */
function requirePin({ context, address }: Call, stored: StoredPin, given: string): void {
  const attempt = { client: clientGroup(address), experiment: stored.name, exists: true };
  context.pins.begin(attempt);
  if (!sameText(context.store.key.decrypt(stored.pin_cipher), given)) {
    throw new Refusal('wrong_pin', 'The current PIN is not right. Its owner can read it: drover experiment show');
  }
  context.pins.succeeded(attempt);
}
