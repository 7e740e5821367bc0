// One call of every endpoint that is good when the caller may make it: what the test of access sends in everybody's name.
import type { Contract } from '../contract/index.ts';

import { type AccessScene, OWN, type Who } from './access-scene.suite.ts';

export type EndpointName = { [Group in keyof Contract]: `${Group}.${keyof Contract[Group] & string}` }[keyof Contract];

/** What is sent; made anew for every caller, because a good call may use up what it is about. */
export interface Prepared {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: string;
  readonly body?: object;
  /** An upload's bytes. */
  readonly text?: string;
}

export interface AccessCall {
  /** `jobs.create with a command`, where an endpoint is called in more than one way. */
  readonly as?: string;
  readonly prepare?: (scene: AccessScene) => Prepared | Promise<Prepared>;
  /** What the table's access does not say: the code that this caller gets although the table lets them in. */
  readonly unless?: (who: Who) => string | null;
  /** A good call ends what the other callers need: each gets a scene of its own. */
  readonly spends?: true;
  /** The code with which a good call is answered, when there is nothing yet to find. */
  readonly good?: string;
}

const job = async (scene: AccessScene): Promise<Prepared> => ({ params: { number: await scene.newJob() } });
const running = (scene: AccessScene): Prepared => ({ params: { number: scene.running.number } });
const withBody = (body: object) => (): Prepared => ({ body });
const isPin = (who: Who): boolean => who.kind === 'person' && who.by === 'pin';
const noPin = (who: Who): string | null => (isPin(who) ? 'forbidden' : null);
const sent_at = '2026-01-01T00:00:00.000Z';
const total = { cpus: 1, memory_bytes: 1, gpus: 0 };

let count = 0;
const serial = (): number => (count += 1);

async function ended(scene: AccessScene): Promise<Prepared> {
  const number = await scene.newJob();
  await scene.server.client().jobs.cancel({ params: { experiment: OWN, number }, body: {} });
  return { params: { number } };
}

async function held(scene: AccessScene): Promise<Prepared> {
  return job(scene);
}

async function free(scene: AccessScene): Promise<Prepared> {
  const number = await scene.newJob();
  await scene.server.client().jobs.unhold({ params: { experiment: OWN, number } });
  return { params: { number } };
}

async function matrix(scene: AccessScene): Promise<Prepared> {
  const body = { matrix: { lr: [1, 2] }, command: 'true {lr}', held: true };
  const { matrix_id } = await scene.server.client().jobs.create({ params: { experiment: OWN }, body });
  return { params: { matrix_id: matrix_id! } };
}

async function view(scene: AccessScene): Promise<Prepared> {
  const { id } = await scene.server.client().views.create({ params: { experiment: OWN }, body: { name: `view ${serial()}`, view: {} } });
  return { params: { view_id: id } };
}

let variables = 0;

async function variable(scene: AccessScene): Promise<Prepared> {
  const name = `V${(variables += 1)}`;
  await scene.server.client().variables.set({ params: { experiment: OWN, name }, body: { value: 'a' } });
  return { params: { name } };
}

async function secret(scene: AccessScene): Promise<Prepared> {
  const name = `S${(variables += 1)}`;
  await scene.server.client().variables.set({ params: { experiment: OWN, name }, body: { value: 'hidden', secret: true } });
  return { params: { name } };
}

async function shared(scene: AccessScene): Promise<Prepared> {
  const name = `G${(variables += 1)}`;
  await scene.server.client().variables.setShared({ params: { name }, body: { value: 'a' } });
  return { params: { name } };
}

/** What the table lets operators do, and this only owners. */
const ownersOnly = (who: Who): string | null => (isPin(who) || (who.kind === 'person' && who.role === 'operator') ? 'forbidden' : null);

async function upload(scene: AccessScene): Promise<Prepared> {
  const { token, number } = scene.running;
  await scene.server.send('/api/v1/attempt/artifacts/result.json', { method: 'PUT', key: token, text: '{}' });
  return { params: { number, name: 'result.json' } };
}

async function checkpoint(scene: AccessScene): Promise<Prepared> {
  for (const { sent } of scene.visitors.filter(({ who }) => who.kind === 'attempt')) {
    await scene.server.send('/api/v1/attempt/checkpoint', { method: 'PUT', ...sent, text: 'state' });
  }
  return {};
}

/** Agents run commands: only a key of an operator starts one, and only for what it may see. */
function mayRegister(who: Who): string | null {
  if (who.kind !== 'person') return null;
  if (who.by !== 'key' || who.role === 'viewer') return 'forbidden';
  return who.reach === 'other' ? 'experiment_not_found' : null;
}

const watching = { ...total, cpus: 0 };

export const CALLS: Record<EndpointName, AccessCall | readonly AccessCall[]> = {
  'experiments.list': {},
  'experiments.create': { prepare: () => ({ body: { name: `new-${serial()}` } }) },
  'experiments.get': {},
  'experiments.change': { prepare: withBody({ description: 'changed' }) },
  'experiments.remove': {
    as: 'of an experiment with running jobs',
    prepare: () => ({ query: `confirm=${OWN}` }),
    good: 'experiment_busy',
  },
  'experiments.pin': {},
  'experiments.changePin': {
    prepare: withBody({ new_pin: '111222' }),
    spends: true,
    unless: (who) => (who.kind === 'person' && (isPin(who) || who.role === 'operator') ? 'wrong_pin' : null),
  },
  'jobs.create': [
    { as: 'with a command', prepare: withBody({ jobs: [{}], command: 'true', held: true }), unless: noPin },
    { as: 'without a command', prepare: withBody({ jobs: [{}], held: true }) },
  ],
  'jobs.list': {},
  'jobs.export': {},
  'jobs.get': { prepare: running },
  'jobs.wait': { prepare: running },
  'jobs.edit': [
    { as: 'of the command', prepare: async (scene) => ({ ...(await job(scene)), body: { command: 'false' } }), unless: noPin },
    { as: 'of the params', prepare: async (scene) => ({ ...(await job(scene)), body: { params: { a: 1 } } }) },
  ],
  'jobs.remove': { prepare: job },
  'jobs.cancel': { prepare: job },
  'jobs.requeue': { prepare: ended },
  'jobs.hold': { prepare: free },
  'jobs.unhold': { prepare: held },
  'jobs.bulk': { prepare: withBody({ action: 'hold', filter: { status: 'pending' } }) },
  'jobs.clone': { prepare: withBody({ filter: { status: 'pending' } }) },
  'jobs.tags': {},
  'jobs.operations': {},
  'jobs.operation': { prepare: () => ({ params: { operation_id: 1 } }), good: 'not_found' },
  'matrices.list': {},
  'matrices.get': { prepare: matrix },
  'results.log': { prepare: running },
  'results.logIndex': { prepare: running },
  'results.logSearch': { prepare: (scene) => ({ ...running(scene), query: 'text=error' }) },
  'results.execution': { prepare: (scene) => ({ params: { ...running(scene).params, attempt: 1 } }) },
  'results.artifacts': { prepare: running },
  'results.download': { prepare: upload },
  'results.metricNames': { prepare: running },
  'results.metricSeries': { prepare: (scene) => ({ ...running(scene), query: 'name=loss' }) },
  'results.latestMetrics': { prepare: () => ({ query: 'numbers=1-3&metric=loss' }) },
  'results.storeArtifact': { prepare: () => ({ params: { name: 'result.json' }, text: '{}' }) },
  'results.storeCheckpoint': { prepare: () => ({ text: 'state' }) },
  'results.latestCheckpoint': { prepare: checkpoint },
  'charts.fields': {},
  'charts.activity': {},
  'charts.machines': {},
  'charts.failures': { prepare: () => ({ query: 'param=lr' }) },
  'charts.results': { prepare: () => ({ query: 'metric=loss' }) },
  'charts.replicates': { prepare: () => ({ query: 'metric=loss&seed=seed' }) },
  'compare.jobs': { prepare: () => ({ query: 'numbers=1' }) },
  'compare.curves': { prepare: () => ({ query: 'numbers=1&metric=loss' }) },
  'variables.list': {},
  'variables.set': [
    { as: 'of a plain one', prepare: () => ({ params: { name: 'DATA' }, body: { value: '/data' } }) },
    { as: 'of a secret', prepare: () => ({ params: { name: 'TOKEN' }, body: { value: 'hidden', secret: true } }), unless: ownersOnly },
    { as: 'of a plain one in the place of a secret', prepare: async (scene) => ({ ...(await secret(scene)), body: { value: 'a' } }), unless: ownersOnly },
  ],
  'variables.remove': [
    { as: 'of a plain one', prepare: variable },
    { as: 'of a secret', prepare: secret, unless: ownersOnly },
  ],
  'variables.listShared': {},
  'variables.setShared': { prepare: () => ({ params: { name: 'TOKEN' }, body: { value: 'hidden', secret: true } }) },
  'variables.removeShared': { prepare: shared },
  'views.list': {},
  'views.create': { prepare: () => ({ body: { name: `view ${serial()}`, view: {} } }) },
  'views.change': { prepare: async (scene) => ({ ...(await view(scene)), body: { view: { status: 'done' } } }) },
  'views.remove': { prepare: view },
  'workers.list': {},
  'workers.get': { prepare: (scene) => ({ params: { worker: `${scene.agent.name}_0` } }) },
  'workers.history': { prepare: (scene) => ({ params: { worker: `${scene.agent.name}_0` } }) },
  'workers.command': { prepare: withBody({ action: 'pause' }) },
  'workers.cancelCommand': { prepare: withBody({}) },
  'workers.revoke': { prepare: (scene) => ({ params: { agent: scene.agent.name } }), spends: true },
  'machines.list': {},
  'machines.add': { prepare: () => ({ body: { names: [`node${serial()}:22`], machine_class: 'foo' } }) },
  'machines.change': {
    prepare: async (scene) => {
      const name = `node${serial()}:22`;
      await scene.server.client().machines.add({ body: { names: [name], machine_class: 'foo' } });
      return { body: { action: 'disable', selection: { names: [name] } } };
    },
  },
  'machines.series': { prepare: (scene) => ({ params: { worker: `${scene.agent.name}_0` } }) },
  'agents.register': {
    prepare: () => ({ body: { host: 'gpunode', instance: `n${serial()}`, experiments: [OWN], workers: 1, total, version: '0.4.2' } }),
    unless: mayRegister,
  },
  'agents.update': { prepare: withBody({ workers: 8, total, version: '0.4.2' }) },
  'agents.sync': {
    prepare: (scene) => ({
      body: { incarnation: '1', sync_seq: scene.nextSync(), sent_at, free_slots: [], free: watching, running: [], finished: [] },
    }),
  },
  'agents.logs': {
    prepare: ({ running: { reference } }) => ({
      body: { sent_at, chunks: [{ ...reference, stream: 'stdout', offset: 0, at: sent_at, data: 'YQ==' }] },
    }),
  },
  'agents.metrics': {
    prepare: ({ running: { reference } }) => ({
      body: { sent_at, batches: [{ ...reference, from: 0, to: 9, points: [{ offset: 0, name: 'loss', value: 1, at: sent_at }] }] },
    }),
  },
  'agents.leave': { prepare: withBody({ incarnation: '1' }) },
  'keys.list': {},
  'keys.create': { prepare: () => ({ body: { name: `key ${serial()}` } }) },
  'keys.remove': {
    prepare: async (scene) => {
      const { id } = await scene.server.client().keys.create({ params: { experiment: OWN }, body: { name: `key ${serial()}` } });
      return { params: { id } };
    },
  },
  'access.login': { prepare: withBody({ experiment: OWN, pin: '402913' }) },
  'access.logout': { spends: true },
  'access.whoami': {},
  'access.createLoginLink': {},
  'access.listKeys': {},
  'access.createKey': { prepare: () => ({ body: { name: `key ${serial()}` } }) },
  'access.deleteKey': {
    prepare: async (scene) => ({ params: { id: (await scene.server.client().access.createKey({ body: { name: `key ${serial()}` } })).id } }),
  },
  'server.status': {},
  'server.events': [
    { as: 'of all that may be seen' },
    {
      as: 'of one experiment',
      prepare: () => ({ query: `experiment=${OWN}` }),
      unless: (who) => (who.kind === 'person' && who.reach === 'other' ? 'experiment_not_found' : null),
    },
  ],
  'server.history': {},
};
