// The field on which a run takes place: servers, agents on lines and disks of their own, and the driver's own record of what it did to them.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';

import type { Api, Stage, TestAgent, TestServer } from '../support/drover.ts';
import { startLine, type Line } from '../support/line.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { Ledger } from './ledger.ts';

export interface ServerUnit {
  readonly name: string;
  readonly server: TestServer;
  newer: boolean;
  /** False while a fault wants it down. */
  up: boolean;
}

export interface AgentUnit {
  readonly name: string;
  /** In the environment of its processes, and of no others on this machine: another run may go on beside this one. */
  readonly mark: string;
  readonly agent: TestAgent;
  readonly line: Line;
  readonly disk: SmallDisk | null;
  readonly workspace: string;
  leads_to: number;
  newer: boolean;
  up: boolean;
}

/** A fault as it really was; moments are milliseconds since 1970. */
export interface Spell {
  readonly kind: string;
  readonly side: 'agent' | 'server' | 'database' | 'job';
  /** Names of agents or servers; attempts for `job`. */
  readonly struck: readonly string[];
  readonly from: number;
  healed: number | null;
  /** When every agent that it concerned had synced again. */
  recovered: number | null;
}

export interface Field {
  readonly stage: Stage;
  readonly experiment: string;
  readonly ledger: Ledger;
  readonly servers: readonly ServerUnit[];
  readonly agents: readonly AgentUnit[];
  readonly server_disk: SmallDisk | null;
  readonly newer: NewerBuild;
  readonly spells: Spell[];
  readonly violations: string[];
  /** Of any server that is up; of another one each time. */
  api(): Api;
  /** Something is not as promised. */
  violation(text: string): void;
  /** One line of the story of this run. */
  tell(text: string): void;
  /** Worker id → agent, of all that were ever seen. */
  agentOf(workerId: string): AgentUnit | undefined;
  breakDatabase(): Promise<number>;
}

export interface NewerBuild {
  readonly version: string;
  readonly main: string;
  readonly agent: string;
}

export interface FieldOptions {
  readonly stage: Stage;
  readonly engine: 'sqlite' | 'postgres';
  readonly disks: boolean;
  readonly agents: number;
  readonly workers: number;
  readonly database_url: string | null;
  readonly settings: Readonly<Record<string, number>>;
  readonly tell: (text: string) => void;
  readonly breakDatabase: () => Promise<number>;
}

const ROOT = resolve(import.meta.dirname, '../..');
export const EXPERIMENT = 'chaos';
const SERVER_DISK_MB = 256;
const AGENT_DISK_MB = 96;

export async function openField(options: FieldOptions): Promise<Field> {
  const { stage, disks, engine } = options;
  mkdirSync(stage.path('ledger'));
  const ledger = new Ledger(stage.path('ledger'));
  const newer = buildNewer(stage);
  const serverDisk = disks ? mountSmallDisk(stage, 'server-disk', SERVER_DISK_MB) : null;
  const data_dir = join(serverDisk?.path ?? stage.directory, 'data');
  const env = options.database_url === null ? {} : { DROVER_DATABASE: options.database_url };
  const servers: ServerUnit[] = [];
  for (let each = 1; each <= (engine === 'postgres' ? 2 : 1); each += 1) {
    const server = await stage.server({ data_dir, env, args: ['--log-format', 'json', '--log-level', 'warn'] });
    servers.push({ name: `server ${each}`, server, newer: false, up: true });
  }
  await servers[0]!.server.api.experiments.create({ body: { name: EXPERIMENT, settings: options.settings } });
  const agents: AgentUnit[] = [];
  for (let each = 0; each < options.agents; each += 1) agents.push(await openAgent(options, servers, each));
  return createField(options, { ledger, newer, server_disk: serverDisk, servers, agents });
}

async function openAgent({ stage, disks, workers }: FieldOptions, servers: readonly ServerUnit[], index: number): Promise<AgentUnit> {
  const name = `agent ${index + 1}`;
  const mark = `${name} of ${stage.directory}`;
  const disk = disks ? mountSmallDisk(stage, `agent-disk-${index + 1}`, AGENT_DISK_MB) : null;
  const workspace = join(disk?.path ?? stage.directory, `workspace-${index + 1}`);
  mkdirSync(workspace);
  const leads_to = index % servers.length;
  const { server } = servers[leads_to]!;
  const line = await startLine(server.url);
  stage.atEnd(line.close);
  const agent = await stage.agent({
    ...{ experiments: [EXPERIMENT], url: line.url, key: server.key, workers },
    args: ['--workspace', workspace],
    env: { CHAOS_LEDGER: stage.path('ledger'), CHAOS_AGENT: mark, JD_UPLOAD_MAX_RETRIES: '2', PYTHONDONTWRITEBYTECODE: '1' },
  });
  return { name, mark, agent, line, disk, workspace, leads_to, newer: false, up: true };
}

type Parts = Pick<Field, 'ledger' | 'newer' | 'server_disk' | 'servers' | 'agents'>;

function createField({ stage, tell, breakDatabase }: FieldOptions, parts: Parts): Field {
  const { servers, agents } = parts;
  const violations: string[] = [];
  let turn = 0;
  return {
    ...{ stage, experiment: EXPERIMENT, spells: [], violations, tell, breakDatabase },
    ...parts,
    api() {
      const up = servers.filter((unit) => unit.up);
      if (up.length === 0) throw new Error('no server is up');
      return up[(turn += 1) % up.length]!.server.api;
    },
    violation(text) {
      if (!violations.includes(text)) tell(`VIOLATION: ${text}`);
      violations.push(text);
    },
    agentOf: (workerId) => agents.find(({ agent }) => workersOf(agent.log()).has(workerId)),
  };
}

/** All ids that an agent ever announced in its log. */
function workersOf(log: string): Set<string> {
  return new Set([...log.matchAll(/agent runs\s+workers="?([^"=\n]*?)"? server=/g)].flatMap(([, ids]) => ids!.split(' ')));
}

/** The same sources as the next minor version: servers and agents of neighbouring ones must get on. */
function buildNewer(stage: Stage): NewerBuild {
  const directory = stage.path('newer');
  const { version: own } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const [major, minor] = own.split('.').map(Number);
  const version = `${major}.${minor! + 1}.0`;
  mkdirSync(directory);
  cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'drover', version, type: 'module' }));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const agent = join(directory, 'dist/agent.mjs');
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-agent.mjs'), agent, version]);
  return { version, main: join(directory, 'dist/main.js'), agent };
}
