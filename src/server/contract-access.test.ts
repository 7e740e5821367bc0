// Walks the contract table: every endpoint in the name of everybody who may come to the door. A new endpoint without a call in
// access-calls.suite.ts fails here. Who is refused must also have changed nothing.
import { describe, expect, it } from 'vitest';

import { API_ROOT, contract, type ContractTable, type Endpoint } from '../contract/index.ts';

import { type AccessCall, CALLS, type EndpointName } from './access-calls.suite.ts';
import { DOOR_ROUTES } from './doors/jobdistributor/mount.ts';
import { type AccessScene, openAccessScene, OTHER, OWN, type Visitor, type Who } from './access-scene.suite.ts';
import { openTestApp } from './test-app.suite.ts';

const endpoints = Object.entries(contract as ContractTable).flatMap(([group, entries]) =>
  Object.entries(entries).map(([name, endpoint]) => ({ name: `${group}.${name}` as EndpointName, endpoint })),
);

const UNKNOWN = { nobody: 'unauthenticated', ended: 'unauthenticated', revoked: 'agent_revoked' } as const;
const RISING: readonly string[] = ['viewer', 'operator', 'owner', 'admin'];

/** The least role that each access asks of people; null: people have no business there. */
const LEAST = { session: 'viewer', viewer: 'viewer', operator: 'operator', commands: 'operator', owner: 'owner', admin: 'admin', agent: null, attempt: null };

/** What the documents promise: `answered`, or the code of the refusal. */
function promised(endpoint: Endpoint, who: Who, call: AccessCall): string {
  const { access, method, path } = endpoint;
  if (access === 'none') return who.kind === 'person' && who.page === 'foreign' ? 'csrf' : 'answered';
  if (who.kind !== 'person') return who.kind === 'agent' || who.kind === 'attempt' ? (access === who.kind ? 'answered' : 'forbidden') : UNKNOWN[who.kind];
  const least = LEAST[access];
  if (least === null) return 'forbidden';
  const isOfOne = path.includes('/:experiment');
  if (isOfOne && who.reach === 'other') return 'experiment_not_found';
  if (RISING.indexOf(who.role) < RISING.indexOf(least)) return 'forbidden';
  if (!isOfOne && access !== 'session' && who.reach !== 'all') return 'forbidden';
  if (access === 'commands' && who.by === 'pin') return 'forbidden';
  const refused = call.unless?.(who) ?? null;
  // Who may not register is told so before anything else is looked at.
  if (refused !== null && path === '/agents' && refused === 'forbidden') return refused;
  if (method !== 'GET' && who.by !== 'key' && who.page !== undefined) return 'csrf';
  return refused ?? 'answered';
}

async function send(scene: AccessScene, endpoint: Endpoint, visitor: Visitor, call: AccessCall): Promise<string> {
  const { params = {}, query, body, text } = (await call.prepare?.(scene)) ?? {};
  const values: Readonly<Record<string, string | number>> = { experiment: OWN, ...params };
  const path = endpoint.path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(String(values[name])));
  const bytes = text === undefined ? (body === undefined ? {} : { body }) : { text };
  const before = await fingerprint(scene);
  const response = await scene.server.send(`${API_ROOT}${path}${query === undefined ? '' : `?${query}`}`, {
    method: endpoint.method,
    ...visitor.sent,
    ...bytes,
  });
  if (response.status < 300) {
    expect(response.status).toBe(endpoint.success);
    if (endpoint.transport === 'json' && endpoint.access !== 'none') tellsNothingForeign(await response.text(), visitor);
    else await response.body?.cancel();
    return 'answered';
  }
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await fingerprint(scene), `${visitor.name} was refused and changed something`).toBe(before);
  return ((await response.json()) as { code: string }).code;
}

/** Who has rights in one experiment does not even learn the name of another one. */
function tellsNothingForeign(text: string, { name, who }: Visitor): void {
  if (who.kind !== 'person' || who.reach === 'all') return;
  expect(text, `what ${name} was told`).not.toContain(who.reach === 'own' ? OTHER : OWN);
}

const TABLES = ['experiment', 'job', 'attempt', 'lease', 'agent', 'worker', 'artifact', 'log_chunk', 'metric_chunk', 'event', 'api_key', 'session', 'matrix'];

/** All that a call could change, without when keys and sessions were used last. */
async function fingerprint({ server }: AccessScene): Promise<string> {
  await server.store.write(async () => {});
  const rows = await Promise.all(TABLES.map((table) => server.store.sql.all(`select * from ${table}`)));
  return JSON.stringify(rows, (name, value: unknown) => (name === 'last_used_at' || name === 'last_seen_at' ? undefined : value));
}

async function walk(endpoint: Endpoint, call: AccessCall, shared: AccessScene): Promise<{ found: object; wanted: object }> {
  const found: Record<string, string> = {};
  const wanted: Record<string, string> = {};
  for (const visitor of shared.visitors) {
    const promise = promised(endpoint, visitor.who, call);
    wanted[visitor.name] = promise === 'answered' ? (call.good ?? promise) : promise;
    const own = call.spends === true && promise === 'answered' ? await openAccessScene() : null;
    const scene = own ?? shared;
    found[visitor.name] = await send(
      scene,
      endpoint,
      scene.visitors.find(({ name }) => name === visitor.name)!,
      call,
    );
    await own?.server.close();
    // What one caller guessed wrong must not slow the next one down.
    if (found[visitor.name] === 'wrong_pin') shared.server.clock.advance(3_600_000);
  }
  return { found, wanted };
}

describe('every endpoint, asked by everybody', () => {
  it('is called here: the table and the calls name the same endpoints', () => {
    expect(Object.keys(CALLS).toSorted()).toEqual(endpoints.map(({ name }) => name).toSorted());
  });

  const cases = endpoints.flatMap(({ name, endpoint }) =>
    [CALLS[name] ?? []].flat().map((call) => ({ name: `${name} ${call.as ?? ''}`.trim(), endpoint, call })),
  );
  it.each(cases)('$name', async ({ endpoint, call }) => {
    const scene = await openAccessScene();
    const { found, wanted } = await walk(endpoint, call, scene);
    await scene.server.close();
    expect(found).toEqual(wanted);
    expect(Object.values(found)).toContain(call.good ?? 'answered');
  });
});

/** Addresses outside the table, and whether they ask who comes. */
const BESIDE: Readonly<Record<string, 'open' | 'people'>> = {
  'GET /api/v1/openapi.json': 'people',
  'GET /api/docs/:part?': 'people',
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  'GET /agent.mjs': 'open',
  'GET /agent/:target': 'open',
};

describe('addresses outside the table', () => {
  it('are those that are listed here', async () => {
    const { app, close } = await openTestApp();
    const inTable = new Set(endpoints.map(({ endpoint }) => `${endpoint.method} ${API_ROOT}${endpoint.path}`));
    // Who may pass there: doors/jobdistributor/hostile.test.ts.
    for (const { method, path } of DOOR_ROUTES) inTable.add(`${method} ${path}`);
    const beside = new Set(app.routes.map(({ method, path }) => `${method} ${path}`).filter((route) => !inTable.has(route)));
    await close();
    expect([...beside].toSorted()).toEqual(Object.keys(BESIDE).toSorted());
  });

  it('tell what is not the same on every server to people only', async () => {
    const scene = await openAccessScene();
    const isGood = ({ who }: Visitor): boolean => who.kind === 'person';
    for (const [route, openness] of Object.entries(BESIDE)) {
      const path = route.replace('GET ', '').replace('/:part?', '/start.js').replace(':target', 'linux-x64');
      for (const visitor of scene.visitors) {
        const { status } = await scene.server.send(path, visitor.sent);
        // No agents were built beside this server.
        const answered = path === '/agent.mjs' ? 503 : path.startsWith('/agent/') ? 404 : 200;
        const wanted = openness === 'open' || isGood(visitor) ? answered : expect.toBeOneOf([401, 403]);
        expect([path, visitor.name, status]).toEqual([path, visitor.name, wanted]);
      }
    }
    await scene.server.close();
  });
});
