// Sessions of the dashboard and API keys.
import type { ActorShape, contract } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { Refusal } from '../../core/refusal.ts';
import { fromIso, toIso } from '../../runtime/clock.ts';
import { sameText } from '../../runtime/ids.ts';
import {
  createKey,
  createLoginLink,
  deleteKey,
  endSession,
  experimentIds,
  findPin,
  keyOfSession,
  listKeys,
  openKeySession,
  type OpenedSession,
  openPinSession,
  useLoginLink,
} from '../../store/access.ts';
import { experimentNames } from '../../store/agents.ts';
import { isPerson, type Person } from '../access.ts';
import { actorShape, keyShape } from '../actor-shape.ts';
import { clientGroup } from '../client-address.ts';
import { actorName, type Call, type Handlers } from '../context.ts';
import { writeOnce } from '../idempotency.ts';

export const accessHandlers: Handlers<typeof contract>['access'] = {
  async login({ body }, call) {
    if ('link_token' in body) return { actor: await loginByLink(call, body.link_token) };
    if ('api_key' in body) return { actor: await loginByKey(call, body.api_key) };
    return { actor: await loginByPin(call, body.experiment, body.pin) };
  },
  async logout(_input, call) {
    const { actor, context } = call;
    if (actor.kind === 'pin' || actor.kind === 'link') {
      await context.store.write((tx) => endSession(tx, actor.id));
      context.access.forget();
    }
    setCookie(call, '', '; Max-Age=0');
    return { ended: true };
  },
  async whoami(_input, call) {
    const { store, version } = call.context;
    return { actor: await shapeOf(call, person(call)), server: { version, store_id: store.id } };
  },
  async createLoginLink(_input, call) {
    const { kind, id, name, role } = person(call);
    const link = await call.context.store.write(async (tx) =>
      createLoginLink(tx, { name, role, api_key_id: kind === 'key' ? id : await keyOfSession(tx, id) }),
    );
    return { path: loginPath(link.secret), expires_at: toIso(link.expires_at) };
  },
  async listKeys(_input, call) {
    const keys = await listKeys(call.context.store);
    const names = await experimentNames(call.context.store, [...new Set(keys.flatMap((key) => key.experiments ?? []))]);
    return { keys: keys.map((key) => keyShape(key, names)) };
  },
  async createKey({ body }, call) {
    const expires_at = body.expires_at === null ? null : fromIso(body.expires_at);
    if (expires_at !== null && expires_at <= call.context.clock.now())
      throw new Refusal('invalid_input', 'expires_at is in the past. Give a moment to come, or leave it out.');
    return writeOnce(call, 'access.createKey', body, async (tx) => {
      const experiments = body.experiments === null ? null : await experimentIds(tx, body.experiments);
      const made = await createKey(tx, { name: body.name, role: body.role, experiments, expires_at, actor: actorName(call.actor) });
      return { ...keyShape(made, await experimentNames(tx, experiments ?? [])), key: made.key };
    });
  },
  async deleteKey({ params }, call) {
    await call.context.store.write((tx) => deleteKey(tx, params.id, actorName(call.actor)));
    call.context.access.forget();
    return { deleted: true };
  },
};

/** Behind the # it stays in the browser: no server and no proxy logs it. */
export function loginPath(secret: string): string {
  return `/login#link=${secret}`;
}

function person(call: Call): Person {
  if (!isPerson(call.actor)) throw new Error('only people come here');
  return call.actor;
}

async function shapeOf(call: Call, actor: Person): Promise<ActorShape> {
  return actorShape(actor, await experimentNames(call.context.store, actor.experiments ?? []));
}

async function loginByLink(call: Call, token: string): Promise<ActorShape> {
  const session = await call.context.store.write((tx) => useLoginLink(tx, token));
  if (session === null) {
    const minutes = LIMITS.login_link_seconds.value / 60;
    throw new Refusal('unauthenticated', `This link was used, or is older than ${minutes} minutes. Ask for a new one, or log in with the PIN.`);
  }
  setCookie(call, session.secret);
  return actorShape({ kind: 'link', id: session.id, name: session.name, role: session.role, experiments: null }, new Map());
}

async function loginByKey(call: Call, key: string): Promise<ActorShape> {
  const { store } = call.context;
  const session = await store.write((tx) => openKeySession(tx, key.trim()));
  if (session === null) throw new Refusal('unauthenticated', 'This API key is not known here, or it has expired. Make one with: drover key create');
  setCookie(call, session.secret);
  const { id, name, role, experiments } = session;
  return actorShape({ kind: 'link', id, name, role, experiments }, await experimentNames(store, experiments ?? []));
}

async function loginByPin(call: Call, experiment: string, pin: string): Promise<ActorShape> {
  const { store, pins } = call.context;
  const stored = await findPin(store, experiment);
  const attempt = { client: clientGroup(call.address), experiment, exists: stored !== null };
  pins.begin(attempt);
  // An unknown experiment costs the same work and gives the same answer as a wrong PIN.
  const expected = store.key.decrypt(stored?.pin_cipher ?? store.key.encrypt('------'));
  const isRight = sameText(expected, pin.replaceAll(' ', ''));
  if (stored === null || !isRight)
    throw new Refusal('wrong_pin', 'There is no experiment of this name with this PIN. Check both; the owner of the experiment can read its PIN.');
  const session: OpenedSession = await store.write((tx) => openPinSession(tx, stored));
  pins.succeeded(attempt);
  setCookie(call, session.secret);
  const actor: Person = { kind: 'pin', id: session.id, name: session.name, role: session.role, experiments: [stored.experiment_id] };
  return actorShape(actor, new Map([[stored.experiment_id, stored.name]]));
}

/** Without Max-Age it ends with the browser: the PIN is asked in each new one. */
function setCookie(call: Call, value: string, rest = ''): void {
  const secure = call.is_tls ? '; Secure' : '';
  call.headers.append('set-cookie', `${call.context.access.cookie_name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${rest}`);
}
