// Everybody who may come to a server's door, in one scene: two experiments with jobs, and all kinds of credentials, good, ended and forged.
import { API_ROOT } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { Role } from '../store/schema-access.ts';

import { cookieOf, openTestApp, type Sent, type TestApp } from './test-app.suite.ts';

export const OWN = 'digits-tune';
export const OTHER = 'other-work';
const PIN = '402913';

/** Who somebody is, in the words of the documents; what follows from it is for the test to say. */
export type Who =
  | { readonly kind: 'nobody' | 'ended' | 'revoked' | 'agent' | 'attempt' }
  | {
      readonly kind: 'person';
      readonly by: 'key' | 'pin' | 'link';
      readonly role: Role;
      readonly reach: 'all' | 'own' | 'other';
      /** What a browser would send along, or what a page of another site would. */
      readonly page?: 'own' | 'foreign' | 'unmarked';
    };

export interface Visitor {
  readonly name: string;
  readonly who: Who;
  readonly sent: Pick<Sent, 'key' | 'cookie' | 'headers'>;
}

export interface AttemptOfScene {
  readonly number: number;
  readonly reference: { readonly job_id: number; readonly attempt: number; readonly rank: number; readonly token: string };
  /** What the job finds in JD_WORKER_TOKEN. */
  readonly token: string;
}

export interface AccessScene {
  readonly server: TestApp;
  readonly visitors: readonly Visitor[];
  /** Of the agent of the experiment, and what it runs. */
  readonly agent: { readonly secret: string; readonly name: string };
  readonly running: AttemptOfScene;
  readonly foreign: AttemptOfScene;
  /** A number for the agent's next sync. */
  nextSync(): number;
  /** A new job of the experiment, held so that nobody claims it. */
  newJob(): Promise<number>;
}

const csrf = { 'drover-csrf': '1' };
const total = { cpus: 8, memory_bytes: 1e9, gpus: 0 };

export async function openAccessScene(): Promise<AccessScene> {
  const server = await openTestApp();
  const own = await server.newExperiment(OWN, PIN);
  const other = await server.newExperiment(OTHER, PIN);
  const early = await earlyVisitors(server);
  const before = await startAgent(server, OWN, 'egg');
  const long_ended = await before.runJob('ended');
  // Longer than any session, key or token of something that ended is good for.
  server.clock.advance(LIMITS.attempt_token_seconds.value * 1000 + 1);
  const agent = await startAgent(server, OWN, 'fox');
  const stranger = await startAgent(server, OTHER, 'owl');
  const ended = await agent.runJob('ended');
  const running = await agent.runJob('running');
  const foreign = await stranger.runJob('running');
  const visitors = [
    ...early,
    ...(await people(server, { own, other })),
    ...(await closedSessions(server)),
    { name: "an agent's secret", who: { kind: 'agent' }, sent: { key: agent.secret } },
    { name: "a revoked agent's secret", who: { kind: 'revoked' }, sent: { key: await revokedAgent(server) } },
    ...attempts({ running, ended, long_ended, foreign }),
  ] satisfies Visitor[];
  return {
    ...{ server, visitors, agent, running, foreign },
    nextSync: agent.nextSync,
    async newJob() {
      const { from } = await server.client().jobs.create({ params: { experiment: OWN }, body: { jobs: [{}], command: 'true', held: true } });
      return from!;
    },
  };
}

const keyless: Visitor[] = [
  { name: 'no credentials', who: { kind: 'nobody' }, sent: { key: null } },
  { name: 'a cookie of another server', who: { kind: 'nobody' }, sent: { cookie: `drover_elsewhere=jds_${'A'.repeat(32)}`, headers: csrf } },
  { name: 'a key that never was', who: { kind: 'ended' }, sent: { key: `jd_${'A'.repeat(20)}` } },
  { name: 'a password', who: { kind: 'ended' }, sent: { key: null, headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } } },
];

/** Those whose time will be over. */
async function earlyVisitors(server: TestApp): Promise<Visitor[]> {
  const expires_at = new Date(server.clock.now() + 60_000).toISOString();
  const { key } = await server.client().access.createKey({ body: { name: 'short', role: 'admin', expires_at } });
  return [
    ...keyless,
    { name: 'an expired key', who: { kind: 'ended' }, sent: { key } },
    { name: 'an expired PIN session', who: { kind: 'ended' }, sent: { cookie: await pinSession(server, OWN), headers: csrf } },
    { name: 'an expired link session', who: { kind: 'ended' }, sent: { cookie: await linkSession(server), headers: csrf } },
  ];
}

async function people(server: TestApp, ids: { own: number; other: number }): Promise<Visitor[]> {
  const reaches = { all: null, own: [ids.own], other: [ids.other] } as const;
  const visitors: Visitor[] = [];
  for (const role of ['viewer', 'operator', 'owner', 'admin'] as const) {
    for (const reach of ['all', 'own', 'other'] as const) {
      const who = { kind: 'person', by: 'key', role, reach } as const;
      visitors.push({ name: `${role}, key for ${reach}`, who, sent: { key: await server.newKey(role, reaches[reach]) } });
    }
  }
  const pin = { kind: 'person', by: 'pin', role: 'operator', reach: 'own' } as const;
  const link = { kind: 'person', by: 'link', role: 'admin', reach: 'all' } as const;
  const other = await pinSession(server, OTHER);
  const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', ...csrf };
  visitors.push(
    { name: 'a PIN session', who: pin, sent: { cookie: await pinSession(server, OWN), headers: csrf } },
    { name: 'a PIN session without the header', who: { ...pin, page: 'unmarked' }, sent: { cookie: await pinSession(server, OWN) } },
    { name: 'a PIN session of another experiment', who: { ...pin, reach: 'other' }, sent: { cookie: other, headers: csrf } },
    { name: 'a link session', who: link, sent: { cookie: await linkSession(server), headers: csrf } },
    { name: "a link session, from another site's page", who: { ...link, page: 'foreign' }, sent: { cookie: await linkSession(server), headers: foreign } },
  );
  return visitors;
}

async function closedSessions(server: TestApp): Promise<Visitor[]> {
  const loggedOut = await pinSession(server, OWN);
  await server.send(`${API_ROOT}/logout`, { method: 'POST', cookie: loggedOut, headers: csrf });
  const { id, key } = await server.client().access.createKey({ body: { name: 'gone', role: 'admin' } });
  const orphan = await linkSession(server, key);
  await server.client().access.deleteKey({ params: { id } });
  const unused = (await server.client().access.createLoginLink({})).path.split('#link=')[1]!;
  return [
    { name: 'a session that was logged out', who: { kind: 'ended' }, sent: { cookie: loggedOut, headers: csrf } },
    { name: 'a deleted key', who: { kind: 'ended' }, sent: { key } },
    { name: 'a session of a deleted key', who: { kind: 'ended' }, sent: { cookie: orphan, headers: csrf } },
    { name: 'a session in place of a key', who: { kind: 'ended' }, sent: { key: (await pinSession(server, OWN)).split('=')[1]! } },
    { name: 'an unused link in place of a key', who: { kind: 'ended' }, sent: { key: unused } },
    { name: 'an unused link in place of a session', who: { kind: 'ended' }, sent: { cookie: `${server.context.access.cookie_name}=${unused}` } },
  ];
}

function attempts(of: Record<'running' | 'ended' | 'long_ended' | 'foreign', AttemptOfScene>): Visitor[] {
  const { running, ended, long_ended, foreign } = of;
  const { job_id, attempt, rank, token } = running.reference;
  const forged = [`jdt_${foreign.reference.job_id}.${attempt}.${rank}.${token}`, `jdt_${job_id}.${attempt + 1}.${rank}.${token}`];
  return [
    { name: "a running job's token", who: { kind: 'attempt' }, sent: { key: running.token } },
    { name: "an ended job's token", who: { kind: 'attempt' }, sent: { key: ended.token } },
    { name: 'a token whose attempt ended long ago', who: { kind: 'ended' }, sent: { key: long_ended.token } },
    { name: "a job's token with the number of another job", who: { kind: 'ended' }, sent: { key: forged[0]! } },
    { name: "a job's token with the number of another attempt", who: { kind: 'ended' }, sent: { key: forged[1]! } },
    { name: "a job's bare lease", who: { kind: 'ended' }, sent: { key: token } },
  ];
}

async function pinSession(server: TestApp, experiment: string): Promise<string> {
  const response = await server.send(`${API_ROOT}/login`, { key: null, body: { experiment, pin: PIN } });
  if (response.status !== 200) throw new Error(`login answers ${response.status}`);
  return cookieOf(response);
}

async function linkSession(server: TestApp, key = server.key): Promise<string> {
  const { path } = await server.client(key).access.createLoginLink({});
  const response = await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: path.split('#link=')[1] } });
  if (response.status !== 200) throw new Error(`login answers ${response.status}`);
  return cookieOf(response);
}

async function revokedAgent(server: TestApp): Promise<string> {
  const { secret, name } = await startAgent(server, OWN, 'ant');
  await server.client().workers.revoke({ params: { experiment: OWN, agent: name } });
  return secret;
}

async function startAgent(server: TestApp, experiment: string, instance: string) {
  const body = { host: 'gpunode', instance, experiments: [experiment], workers: 8, total, version: '0.4.2' };
  const { secret, host } = await server.client().agents.register({ body });
  const client = server.client(secret);
  let sync_seq = 0;
  let slot = 0;
  const now = (): string => new Date(server.clock.now()).toISOString();
  const sync = (more: object) =>
    client.agents.sync({
      body: { ...{ incarnation: '1', sync_seq: (sync_seq += 1), sent_at: now(), free: total, free_slots: [], running: [], finished: [] }, ...more },
    });
  return {
    secret,
    name: `${host}_${instance}`,
    nextSync: () => (sync_seq += 1),
    async runJob(until: 'running' | 'ended'): Promise<AttemptOfScene> {
      const { from } = await server.client().jobs.create({ params: { experiment }, body: { jobs: [{}], command: 'true' } });
      slot += 1;
      const { leases } = await sync({ free_slots: [slot] });
      const { job_id, attempt, rank, token } = leases[0]!;
      const reference = { job_id, attempt, rank, token };
      if (until === 'ended') await sync({ finished: [{ ...reference, outcome: 'succeeded', exit_code: 0, finished_at: now() }] });
      return { number: from!, reference, token: `jdt_${job_id}.${attempt}.${rank}.${token}` };
    },
  };
}
