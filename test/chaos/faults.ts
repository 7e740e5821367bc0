// Each fault as it is done to real processes, sockets and disks, and undone again.
import { eventually } from '../support/eventually.ts';
import { commandLineOf, environmentOf, groupOf, isAlive, kill, parentOf, processesWith } from '../support/program.ts';
import type { SmallDisk } from '../support/small-disk.ts';
import type { AgentUnit, Field, ServerUnit, Spell } from './field.ts';
import type { Fault, FaultKind } from './schedule.ts';

/** What was struck, and how it is healed after `hold`. */
interface Strike {
  readonly side: Spell['side'];
  readonly struck: readonly string[];
  readonly note?: string;
  /** Null: nothing lasts. */
  readonly heal: (() => Promise<void>) | null;
}

/** Null: there was nothing to strike. */
export async function strike(field: Field, fault: Fault): Promise<Strike | null> {
  return STRIKES[fault.kind](field, fault);
}

const STRIKES: Record<FaultKind, (field: Field, fault: Fault) => Promise<Strike | null>> = {
  'kill server': (field, fault) => takeServerDown(field, fault, { how: 'kill', upgrade: false }),
  'restart server': (field, fault) => takeServerDown(field, fault, { how: 'stop', upgrade: false }),
  'upgrade server': (field, fault) => takeServerDown(field, fault, { how: fault.coin < 0.5 ? 'kill' : 'stop', upgrade: true }),
  'kill agent': (field, fault) => takeAgentDown(field, fault, { how: 'kill', upgrade: false }),
  'stop agent': (field, fault) => takeAgentDown(field, fault, { how: 'stop', upgrade: false }),
  'upgrade agent': (field, fault) => takeAgentDown(field, fault, { how: fault.coin < 0.7 ? 'kill' : 'stop', upgrade: true }),
  'crash machine': (field, fault) => takeAgentDown(field, fault, { how: 'crash', upgrade: false }),
  async 'pause server'(field, fault) {
    const unit = field.servers[fault.target]!;
    unit.up = false;
    unit.server.signal('SIGSTOP');
    return {
      ...serverStruck(unit),
      async heal() {
        unit.server.signal('SIGCONT');
        unit.up = true;
      },
    };
  },
  async 'pause agent'(field, fault) {
    const unit = field.agents[fault.target]!;
    unit.agent.signal('SIGSTOP');
    return { ...agentStruck(unit), heal: async () => unit.agent.signal('SIGCONT') };
  },
  async 'cut line'(field, fault) {
    const unit = field.agents[fault.target]!;
    unit.line.cut();
    return { ...agentStruck(unit), heal: async () => unit.line.open() };
  },
  async 'silence line'(field, fault) {
    const unit = field.agents[fault.target]!;
    unit.line.silence();
    const held = fault.coin < 0.5 ? 'go on' : 'forgotten';
    return { ...agentStruck(unit), note: `connections ${held} afterwards`, heal: async () => unit.line.open(held) };
  },
  async 'lose replies'(field, fault) {
    const unit = field.agents[fault.target]!;
    unit.line.deafen();
    return { ...agentStruck(unit), heal: async () => unit.line.open() };
  },
  async 'fill agent disk'(field, fault) {
    const unit = field.agents[fault.target]!;
    const heal = fill(unit.disk!, fault);
    return { ...agentStruck(unit), heal };
  },
  'fill server disk': fillServerDisk,
  'kill launcher': killLauncher,
  'kill job': (field, fault) => strikeJob(field, fault, 'job'),
  'kill shim': (field, fault) => strikeJob(field, fault, 'shim'),
  'pause job': (field, fault) => strikeJob(field, fault, 'group'),
  async 'move agent'(field, fault) {
    const unit = field.agents[fault.target]!;
    unit.leads_to = (unit.leads_to + 1) % field.servers.length;
    const to = field.servers[unit.leads_to]!;
    unit.line.leadTo(to.server.url);
    return { ...agentStruck(unit), note: `to ${to.name}`, heal: null };
  },
  async 'break database'(field) {
    const ended = await field.breakDatabase();
    return { side: 'database', struck: ['database'], note: `${ended} connections`, heal: null };
  },
};

function serverStruck({ name }: ServerUnit): Pick<Strike, 'side' | 'struck'> {
  return { side: 'server', struck: [name] };
}

function agentStruck({ name }: AgentUnit): Pick<Strike, 'side' | 'struck'> {
  return { side: 'agent', struck: [name] };
}

interface Down {
  readonly how: 'kill' | 'stop' | 'crash';
  readonly upgrade: boolean;
}

async function takeServerDown(field: Field, fault: Fault, { how, upgrade }: Down): Promise<Strike> {
  const unit = field.servers[fault.target]!;
  unit.up = false;
  await (how === 'kill' ? unit.server.kill9() : unit.server.stop());
  if (upgrade) unit.newer = !unit.newer;
  return {
    ...serverStruck(unit),
    note: `${how === 'kill' ? 'SIGKILL' : 'SIGTERM'}${upgrade ? `, back as ${versionOf(field, unit)}` : ''}`,
    heal: () => startServer(field, unit),
  };
}

/** One whose database breaks while it starts says so and ends; whoever looks after servers starts it again. */
async function startServer(field: Field, unit: ServerUnit): Promise<void> {
  const begun = Date.now();
  const start = (): Promise<void> => unit.server.start(unit.newer ? field.newer.main : undefined);
  await start().catch((error: unknown) => {
    if (!field.spells.some(({ side, healed }) => side === 'database' && (healed ?? Infinity) >= begun)) throw error;
    field.tell(`${unit.name} did not start while its database broke; it is started again`);
    return start();
  });
  unit.up = true;
}

function versionOf(field: Field, { newer }: { readonly newer: boolean }): string {
  return newer ? field.newer.version : 'this version';
}

async function takeAgentDown(field: Field, fault: Fault, { how, upgrade }: Down): Promise<Strike> {
  const unit = field.agents[fault.target]!;
  unit.up = false;
  let struck: string[] = [];
  if (how === 'kill') await unit.agent.kill9();
  else if (how === 'stop') await unit.agent.stop();
  else struck = await crash(unit);
  if (upgrade) unit.newer = !unit.newer;
  const word = { kill: 'SIGKILL', stop: 'SIGTERM', crash: `with ${struck.length} running jobs` }[how];
  return {
    side: 'agent',
    struck: [unit.name, ...struck],
    note: upgrade ? `${word}, back as ${versionOf(field, unit)}` : word,
    async heal() {
      await unit.agent.start(undefined, unit.newer ? field.newer.agent : undefined);
      unit.up = true;
    },
  };
}

/** All that the machine runs dies, as when its power fails; the files stay. Resolves with the attempts that died. */
async function crash({ mark }: AgentUnit): Promise<string[]> {
  const struck = new Set<string>();
  await eventually(() => {
    const left = processesWith('CHAOS_AGENT', mark);
    for (const pid of left) {
      const attempt = attemptOf(pid);
      if (attempt !== null) struck.add(attempt);
      kill(pid, 'SIGKILL');
    }
    if (left.length > 0) throw new Error(`processes ${left.join(', ')} live`);
  });
  return [...struck];
}

function attemptOf(pid: number): string | null {
  return environmentOf(pid).get('JD_ATTEMPT_DIR')?.split('/').at(-1) ?? null;
}

async function fillServerDisk(field: Field, fault: Fault): Promise<Strike> {
  const empty = fill(field.server_disk!, fault);
  // Now and then it dies in that state as well.
  const dies = fault.coin > 0.6 ? field.servers[0]! : null;
  if (dies !== null) {
    dies.up = false;
    await dies.server.kill9();
  }
  return {
    side: 'server',
    struck: field.servers.map(({ name }) => name),
    ...(dies === null ? {} : { note: `${dies.name} killed as well` }),
    async heal() {
      await empty();
      if (dies !== null) await startServer(field, dies);
    },
  };
}

/** Whatever the others give back meanwhile is taken too. */
function fill(disk: SmallDisk, { coin }: Fault): () => Promise<void> {
  const take = (leave = 0): void => {
    try {
      disk.fill(leave);
    } catch (error) {
      // Somebody else was faster: full is full.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  };
  take(Math.floor(coin * 20_000));
  const again = setInterval(take, 100);
  return async () => {
    clearInterval(again);
    disk.clear();
  };
}

async function killLauncher(field: Field, fault: Fault): Promise<Strike | null> {
  const unit = field.agents[fault.target]!;
  const own = processesWith('CHAOS_AGENT', unit.mark).filter((pid) => parentOf(pid) === unit.agent.pid && commandLineOf(pid).includes('launcher.py'));
  if (own.length === 0) return null;
  for (const pid of own) kill(pid, 'SIGKILL');
  return { ...agentStruck(unit), heal: null };
}

/** How long a fault waits for a job that it may strike. */
const VICTIM_WITHIN_MS = 3_000;

/** The job itself is the child of its shim, which leads the group. */
async function strikeJob(field: Field, fault: Fault, what: 'job' | 'shim' | 'group'): Promise<Strike | null> {
  const found = await eventually(() => findVictim(field, fault, what), { within: VICTIM_WITHIN_MS }).catch(() => null);
  if (found === null) return null;
  const { pid, attempt } = found;
  kill(what === 'group' ? -pid : pid, what === 'group' ? 'SIGSTOP' : 'SIGKILL');
  return { side: 'job', struck: [attempt], heal: what === 'group' ? async () => kill(-pid, 'SIGCONT') : null };
}

function findVictim(field: Field, { coin }: Fault, what: 'job' | 'shim' | 'group'): { pid: number; attempt: string } {
  const processes = field.agents.flatMap(({ mark }) => processesWith('CHAOS_AGENT', mark)).filter((pid) => attemptOf(pid) !== null);
  const shims = processes.filter((pid) => groupOf(pid) === pid);
  const victims = what === 'job' ? processes.filter((pid) => shims.includes(parentOf(pid) ?? 0)) : shims;
  const pid = victims[Math.floor(coin * victims.length)];
  const attempt = pid === undefined ? null : attemptOf(pid);
  if (pid === undefined || attempt === null || !isAlive(pid)) throw new Error('no job runs');
  return { pid, attempt };
}
