// One agent process from beginning to end: holds its registry entry, runs the loops, answers the control socket and signals.
import { ApiError, contract, createClient, type Client } from '../contract/index.ts';
import { randomId } from '../runtime/ids.ts';
import type { Log } from '../runtime/log.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import { retry } from '../runtime/retry.ts';
import { createAgent, type Agent, type AgentEnd } from './agent.ts';
import { createAgentLog } from './agent-log.ts';
import { createAttemptStore } from './attempt-store.ts';
import { AgentFailure, type AgentContext } from './context.ts';
import { serveControl, socketPath, type ControlRequest, type ControlStatus } from './control-channel.ts';
import { executionPlace } from './execution-place.ts';
import { instanceAlive } from './instance-process.ts';
import { withoutSecrets } from './job-environment.ts';
import { machineFacts, requestHeaders } from './launch.ts';
import { locate } from './job-command.ts';
import { createJobOutput, type JobOutput } from './job-output.ts';
import { createLauncher } from './launcher.ts';
import { createMachine } from './machine.ts';
import { createNetwork } from './network.ts';
import { createProcessRunner } from './process-runner.ts';
import { unpackPython } from './python-library.ts';
import { readInstance, writeInstance, type InstanceRecord, type RegisteredInstance } from './registry.ts';
import { createSecretSeal } from './secret-seal.ts';
import { createSequence } from './sequence.ts';
import { collectGarbage } from './spare-memory.ts';
import { createSpoolFiles } from './spool-files.ts';

export interface RunOptions {
  readonly parent_pipe: boolean;
  readonly log: 'file' | 'terminal';
}

const EXIT_CODES: Record<AgentEnd, number> = { left: 0, kept: 0, superseded: 3, revoked: 3 };

/** Resolves with the exit code. */
export async function runInstance(context: AgentContext, file: string, options: RunOptions): Promise<number> {
  const entry = await takeEntry(context, file, options);
  const { log, print } = createAgentLog(entry.record(), options.log, context.clock);
  const { launch, secret } = entry.record();
  makeDirectories(launch.data);
  const network = createNetwork({ server: launch.server, env: context.env, ca_file: launch.ca_file, untrusted: 'retryable' });
  const client = createClient(contract, { base_url: launch.server, fetch: network.fetch, headers: requestHeaders(context.version, secret) });
  const output = print === null ? null : createJobOutput(context.clock, print);
  const agent = assemble(context, { entry, log, client, output });
  const control = await serveControl(socketPath(file), (request) => answer(agent, request, entry));
  const release = listen(context, agent, { log, parent_pipe: options.parent_pipe });
  const { worker_ids } = entry.record();
  log.info({ workers: worker_ids.join(' '), server: launch.server, pid: process.pid, version: context.version }, 'agent runs');
  const end = await agent.ended;
  log.info({ end }, 'agent ends');
  release();
  await Promise.all([control.close(), network.close()]);
  entry.change({ process: null });
  return EXIT_CODES[end];
}

interface Entry {
  record(): InstanceRecord;
  change(change: Partial<InstanceRecord>): void;
}

async function takeEntry(context: AgentContext, file: string, options: RunOptions): Promise<Entry> {
  const found = readInstance(file);
  if (found === null) throw new AgentFailure(`${file} is not an entry of the agents of this machine.`);
  if (await isHeldByOthers(context, found)) throw new AgentFailure(`Another process runs the agent of ${file}.`);
  let record: InstanceRecord = {
    ...found.record,
    process: context.host.identify(process.pid),
    starts: found.record.starts + 1,
    started_at: context.clock.now(),
    attached: options.log === 'terminal' || options.parent_pipe,
  };
  const change = (fields: Partial<InstanceRecord>): void => {
    record = { ...record, ...fields, changed_at: context.clock.now() };
    writeInstance(file, record);
  };
  change({});
  return { record: () => record, change };
}

/** A launcher holds the entry until its child takes it. */
async function isHeldByOthers(context: AgentContext, instance: RegisteredInstance): Promise<boolean> {
  const holder = instance.record.process?.pid;
  if (holder === process.pid || holder === process.ppid) return false;
  return instanceAlive(instance, context.host);
}

interface AssembledParts {
  readonly entry: Entry;
  readonly log: Log;
  readonly client: Client;
  readonly output: JobOutput | null;
}

function assemble(context: AgentContext, { entry, log, client, output }: AssembledParts): Agent {
  const { clock, random, env, host } = context;
  const { launch, id, secret, worker_ids, starts, sync_seq, sent_away } = entry.record();
  const jobs = {
    host,
    clock,
    server: launch.server,
    data: launch.data,
    cwd: launch.cwd,
    script: launch.script,
    interpreter: launch.interpreter,
    driver: launch.driver,
  };
  // The script library reaches the server the same way.
  const environment = { ...withoutSecrets(env), ...(launch.ca_file === null ? {} : { JD_CA_FILE: launch.ca_file }) };
  const python = unpackPython(launch.cache);
  const launcher = createLauncher({ clock, log, env: environment, python: locate('python3', { env, cwd: launch.cwd }), program: python.launcher });
  let onSpace = (): void => undefined;
  const agent = createAgent({
    ...{ clock, log, random, client, worker_ids, sent_away },
    ...(output === null ? {} : { output }),
    store: createAttemptStore({
      ...{ data: launch.data, owner: id, clock, seal: createSecretSeal(secret) },
      place: executionPlace(context, { launch, env: environment, library: python.library }),
    }),
    runner: createProcessRunner({ ...jobs, env: environment, python_library: python.library }, launcher),
    files: createSpoolFiles(log),
    machine: createMachine({ clock, log, env, data: launch.data, free_space_bytes: launch.free_space_bytes, onChange: () => onSpace() }),
    sequence: createSequence(sync_seq, (bound) => keepBound(entry, bound, log)),
    incarnation: `${starts}-${randomId(6)}`,
    once: launch.once,
    drives: launch.drives.length > 0,
    has_script: launch.script !== null,
    giveBackMemory: collectGarbage,
    announce: (signal) => announce(context, { entry, client, log, signal }),
  });
  onSpace = () => agent.wake();
  return agent;
}

/** A disk that is full must not stop the agent; the server's refusal of an old number is survived. */
function keepBound(entry: Entry, bound: number, log: Log): void {
  try {
    entry.change({ sync_seq: bound });
  } catch (error) {
    log.error({ err: error }, 'the entry of this agent could not be written');
  }
}

async function announce(context: AgentContext, parts: { entry: Entry; client: Client; log: Log; signal: AbortSignal }): Promise<void> {
  const { entry, client, log, signal } = parts;
  const body = machineFacts(context, entry.record().launch, process.pid);
  try {
    const reply = await retry(() => client.agents.update({ body }, { signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]) }), {
      ...{ clock: context.clock, random: context.random, signal },
      ...{ first_delay_ms: 200, longest_delay_ms: 30_000, total_ms: Infinity },
      // Hardly anything is final here: the jobs of before go on whatever the server thinks of this agent.
      retryable: (error) => !(error instanceof ApiError) || error.retryable || (error.code !== 'agent_revoked' && { after_ms: 60_000 }),
      onRetry: (error) =>
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'the server does not welcome this agent yet; it is tried again'),
    });
    if (reply.worker_ids.join() !== entry.record().worker_ids.join()) entry.change({ worker_ids: reply.worker_ids });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function answer(agent: Agent, request: ControlRequest, entry: Entry): ControlStatus {
  switch (request.command) {
    case 'status':
      break;
    case 'stop':
      agent.stop({
        ...(request.slots === undefined ? {} : { slots: request.slots }),
        ...(request.grace_seconds === undefined ? {} : { grace_seconds: request.grace_seconds }),
      });
      break;
    case 'drain':
      agent.drain(request.slots);
      break;
    case 'resume':
      agent.resume(request.slots);
      break;
    case 'restart_keep':
      agent.keep();
  }
  const away = agent.sentAway();
  if (away.join() !== entry.record().sent_away.join()) entry.change({ sent_away: [...away] });
  return { ...agent.status(), pid: process.pid };
}

/** The first signal gives the jobs their grace, the second takes it, the third leaves at once. */
function listen(context: AgentContext, agent: Agent, { log, parent_pipe }: { log: Log; parent_pipe: boolean }): () => void {
  let asked = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    asked += 1;
    log.info({ signal: name }, asked === 1 ? 'told to end; jobs are given back' : 'told to end again; jobs get no more time');
    if (asked > 2) process.exit(130);
    agent.stop(asked === 1 ? {} : { grace_seconds: 0 });
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  const onPipeEnd = (): void => {
    log.info('the process that started this agent is gone; the jobs go on');
    agent.keep();
  };
  if (parent_pipe) context.stdin.resume().once('end', onPipeEnd).once('error', onPipeEnd);
  return () => {
    for (const name of signals) process.removeListener(name, onSignal);
    if (parent_pipe) context.stdin.removeListener('end', onPipeEnd).destroy();
  };
}
