// Before an agent runs: its settings made absolute, and an identity, taken over from a dead instance or registered anew.
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ApiError, contract, createClient, type Client } from '../contract/index.ts';
import { workerId } from '../core/identifiers.ts';
import { INSTANCE_WORDS, randomId } from '../runtime/ids.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import { retry } from '../runtime/retry.ts';
import { logFilePath } from './agent-log.ts';
import { ownersWithAttempts } from './attempt-store.ts';
import { AgentFailure, type AgentContext } from './context.ts';
import { instanceAlive } from './instance-process.ts';
import { chooseInterpreter, locate } from './job-command.ts';
import { machineResources } from './machine.ts';
import { createNetwork } from './network.ts';
import { instanceFile, isOwn, listDirectory, registryDirectory, withLock, writeInstance } from './registry.ts';
import type { InstanceRecord, LaunchSettings, RegisteredInstance } from './registry.ts';
import { pruneAgents } from './registry-upkeep.ts';
import type { AgentOptions } from '../runtime/local-agents.ts';

const FREE_SPACE_BYTES = 500_000_000;

export function launchSettings(context: AgentContext, options: AgentOptions): LaunchSettings {
  const path = (given: string): string => resolve(context.cwd, given.replace(/^~(?=\/|$)/, context.home));
  const script = options.script === null ? null : path(options.script);
  if (script !== null && !existsSync(script)) throw new AgentFailure(`The script ${script} does not exist.`);
  const ca_file = options.ca_file === null ? null : path(options.ca_file);
  if (ca_file !== null && !existsSync(ca_file)) throw new AgentFailure(`The file ${ca_file} with trusted certificates does not exist.`);
  const interpreter = script === null ? null : interpreterFor(context, options, script);
  return {
    server: options.server.replace(/\/+$/, ''),
    experiments: options.experiments === null ? null : [...options.experiments],
    ...{ script, interpreter, ca_file },
    workers: options.workers,
    drives: [...options.drives],
    driver: options.driver === null ? null : locate(options.driver, context),
    machine_class: options.machine_class,
    once: options.once,
    cwd: context.cwd,
    data: join(path(options.workspace ?? context.home), 'jd_data'),
    cache: path(options.cache ?? join(context.home, '.jd_cache')),
    log_dir: options.log_dir === null ? null : path(options.log_dir),
    log_level: options.log_level ?? 'info',
    free_space_bytes: options.free_space_bytes ?? FREE_SPACE_BYTES,
    worker_logs: options.worker_logs === true,
    process_id: options.process_id ?? null,
  };
}

/** Where the agent is in the executable itself, that executable is no Node for others. */
function interpreterFor({ env, cwd, node, agent_file }: AgentContext, { python }: AgentOptions, script: string): string | null {
  return chooseInterpreter({ script, python, env, cwd, node: agent_file === null ? 'node' : node });
}

/** An identity that this process holds until it hands it to the one that runs the agent. */
export async function obtainInstance(context: AgentContext, options: AgentOptions): Promise<RegisteredInstance> {
  const launch = launchSettings(context, options);
  const network = createNetwork({ server: launch.server, env: context.env, ca_file: launch.ca_file, untrusted: 'final' });
  const connect = (credential: string): Client =>
    createClient(contract, { base_url: launch.server, fetch: network.fetch, headers: requestHeaders(context.version, credential) });
  try {
    if (options.pruned !== true && context.env['JD_SKIP_REGISTRY_PRUNE'] !== '1') await pruneAgents(context, { cache: launch.cache, all: false });
    const directory = registryDirectory(launch.cache, launch.experiments);
    makePlaces(launch, directory);
    const taken = await withLock(directory, context.clock, () => takeOver(context, launch, directory));
    if (taken === null) return await register(context, options, { launch, connect, former: null });
    const workers = await greet(context, taken.record, connect(taken.record.secret));
    if (workers === null) return await register(context, options, { launch, connect, former: taken });
    return hold(context, taken.file, { ...taken.record, worker_ids: workers });
  } finally {
    await network.close();
  }
}

/** What cannot be made is said here, with the setting to change, and not by a process in the background that nobody watches. */
function makePlaces({ data, log_dir }: LaunchSettings, registry: string): void {
  const places = [
    { path: registry, mode: 0o700, what: 'the registry of workers', change: 'DROVER_CACHE or JD_CACHE_PATH' },
    { path: data, mode: 0o777, what: 'the data of jobs', change: 'DROVER_WORKSPACE or JD_WORKSPACE_PATH' },
    ...(log_dir === null ? [] : [{ path: log_dir, mode: 0o777, what: 'the logs of workers', change: 'DROVER_LOG_DIR or JD_LOG_DIR' }]),
  ];
  for (const { path, mode, what, change } of places) {
    try {
      makeDirectories(path, mode);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new AgentFailure(`${path} cannot be made (${code ?? String(error)}), and is to hold ${what}. Set ${change} to a directory that can.`);
    }
  }
}

export function requestHeaders(version: string, credential: string): Record<string, string> {
  return { authorization: `Bearer ${credential}`, 'drover-version': version };
}

/** The best dead instance for this launch: one with jobs that may still run comes first. */
async function takeOver(context: AgentContext, launch: LaunchSettings, directory: string): Promise<RegisteredInstance | null> {
  const dead: RegisteredInstance[] = [];
  for (const instance of listDirectory(directory)) {
    const { launch: before } = instance.record;
    const same = before.server === launch.server && sameExperiments(before.experiments, launch.experiments);
    if (same && isOwn(instance, context.host) && !(await instanceAlive(instance, context.host))) dead.push(instance);
  }
  if (dead.length === 0) return null;
  const owners = ownersWithAttempts(launch.data);
  const rank = ({ record }: RegisteredInstance): number => (owners.has(record.id) && record.launch.data === launch.data ? 1 : 0);
  dead.sort((a, b) => rank(b) - rank(a) || b.record.changed_at - a.record.changed_at);
  const { file, record } = dead[0]!;
  // Jobs that still run lie below the workspace of before; another one would lose them.
  const stays = ownersWithAttempts(record.launch.data).has(record.id);
  const renewed = { ...record, sent_away: [], launch: stays ? { ...launch, data: record.launch.data } : launch };
  return hold(context, file, renewed);
}

/** Makes this process the holder of an entry, until a child takes it. */
export function hold(context: AgentContext, file: string, record: InstanceRecord): RegisteredInstance {
  const held = {
    ...record,
    process: context.host.identify(process.pid),
    changed_at: context.clock.now(),
    log_file: logFilePath(record.launch, record.worker_ids[0] ?? ''),
  };
  writeInstance(file, held);
  return { file, record: held };
}

function sameExperiments(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && [...a].sort().join() === [...b].sort().join();
}

/** The worker ids, or null when the server does not know the secret. A server that does not answer may know it: the jobs matter more. */
async function greet(context: AgentContext, record: InstanceRecord, client: Client): Promise<string[] | null> {
  try {
    const reply = await client.agents.update({ body: machineFacts(context, record.launch, null) }, { signal: AbortSignal.timeout(5_000) });
    return reply.worker_ids;
  } catch (error) {
    if (error instanceof ApiError && ['unauthenticated', 'forbidden', 'not_found', 'agent_revoked'].includes(error.code)) return null;
    if (error instanceof ApiError && !error.retryable) throw error;
    return Array.from({ length: record.launch.workers }, (_, slot) => workerId(record.host, record.instance, slot));
  }
}

export function machineFacts(context: AgentContext, launch: LaunchSettings, processId: number | null) {
  return {
    workers: launch.workers,
    drives: launch.drives,
    machine_class: launch.machine_class,
    has_script: launch.script !== null,
    total: machineResources(context.env),
    version: context.version,
    process_id: processId,
    platform: context.platform.slice(0, 100),
  };
}

interface Registration {
  readonly launch: LaunchSettings;
  readonly connect: (credential: string) => Client;
  /** An instance that the server no longer knows: its attempts stay with the new identity. */
  readonly former: RegisteredInstance | null;
}

async function register(context: AgentContext, options: AgentOptions, registration: Registration): Promise<RegisteredInstance> {
  const { launch, connect, former } = registration;
  const { api_key } = options;
  if (api_key === null)
    throw new AgentFailure(`There is no API key for ${launch.server}. Set DROVER_API_KEY or JD_API_KEY to a key that may see the experiment.`);
  const key = randomId();
  const body = { ...machineFacts(context, launch, null), host: context.host.name, instance: freeWord(context, launch), experiments: launch.experiments };
  const reply = await retry(() => connect(api_key).agents.register({ body }, { idempotency_key: key, signal: AbortSignal.timeout(20_000) }), {
    ...{ clock: context.clock, random: context.random },
    ...{ first_delay_ms: 200, longest_delay_ms: 2_000, total_ms: 5_000 },
    retryable: (error) => error instanceof ApiError && error.retryable,
  }).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error;
    throw new AgentFailure(
      `${launch.server} does not accept this API key. ${error.message} Set DROVER_API_KEY or JD_API_KEY; whoever runs the server makes a key with: drover key create --name NAME`,
    );
  });
  const record: InstanceRecord = {
    format: 1,
    id: former?.record.id ?? randomId(12),
    machine: context.host.name,
    ...{ store_id: reply.store_id, agent_id: reply.agent_id, secret: reply.secret, host: reply.host, instance: reply.instance },
    worker_ids: reply.worker_ids,
    launch: former?.record.launch ?? launch,
    process: null,
    starts: 0,
    sync_seq: 0,
    changed_at: 0,
    started_at: 0,
    attached: false,
    sent_away: [],
    log_file: '',
  };
  if (former !== null) removeFormer(former, instanceFile(record));
  return hold(context, instanceFile(record), record);
}

function removeFormer(former: RegisteredInstance, successor: string): void {
  if (former.file !== successor) rmSync(former.file, { force: true });
}

function freeWord(context: AgentContext, launch: LaunchSettings): string {
  const used = new Set(listDirectory(registryDirectory(launch.cache, launch.experiments)).map(({ record }) => record.instance));
  const words = INSTANCE_WORDS.filter((word) => !used.has(word));
  return (
    words[Math.floor(context.random() * words.length)] ??
    `a${randomId(6)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')}`.slice(0, 12)
  );
}
