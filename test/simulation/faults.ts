// What goes wrong, decided by the seed: each run has some kinds of trouble and not others, so that each kind also meets calm water.
import { AgentNode } from './agent-node.ts';
import type { Ledger } from './ledger.ts';
import { FAIR, type Network, type Weather } from './network.ts';
import type { Node } from './node.ts';
import type { Random } from './random.ts';
import type { ServerNode } from './server-node.ts';
import type { Silence } from './silence.ts';
import type { Users } from './users.ts';
import type { Watcher } from './watcher.ts';
import type { World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly server: ServerNode;
  readonly nodes: readonly Node[];
  readonly network: Network;
  readonly users: Users;
  readonly silence: Silence;
  readonly ledger: Ledger;
  readonly watcher: Watcher;
  /** All trouble is over, and none may begin. */
  isCalm(): boolean;
  /** Takes a backup now. */
  backup(): void;
  /** Puts the newest backup back, if there is one. */
  restore(): void;
}

const MINUTE = 60_000;

/** One kind of trouble: how often per hour in a run that has it, and what happens. */
interface Trouble {
  readonly name: string;
  readonly per_hour: number;
  readonly strike: (stage: Stage, random: Random) => void;
}

const TROUBLES: readonly Trouble[] = [
  { name: 'weather', per_hour: 12, strike: ({ network }, random) => (network.weather = random.chance(0.3) ? FAIR : weather(random)) },
  {
    name: 'partition',
    per_hour: 8,
    strike({ world, network, nodes }, random) {
      const { machine } = random.pick(nodes);
      const ms = random.spread(1_000, 30 * MINUTE);
      world.trace(`${machine.name} is cut off for ${Math.round(ms)} ms`);
      network.cut(machine);
      world.after(ms, () => network.heal(machine));
    },
  },
  { name: 'agent killed', per_hour: 12, strike: ({ nodes }, random) => random.pick(nodes).kill(true) },
  { name: 'agent killed at the disk', per_hour: 10, strike: (stage, random) => agentOf(stage, random)?.killAtChange(random.int(1, 40)) },
  { name: 'agent kept', per_hour: 4, strike: (stage, random) => agentOf(stage, random)?.keep() },
  { name: 'agent stopped', per_hour: 4, strike: (stage, random) => agentOf(stage, random)?.stop(random.chance(0.3) ? 0 : undefined) },
  {
    name: 'agent gone for good',
    per_hour: 2,
    strike({ nodes }, random) {
      const present = nodes.filter((node) => !node.retired);
      if (present.length >= 2) random.pick(present).retire();
    },
  },
  {
    name: 'power lost',
    per_hour: 5,
    strike({ nodes }, random) {
      random.pick(nodes.filter((each) => !each.retired)).losePower();
    },
  },
  {
    name: 'sleep',
    per_hour: 4,
    strike({ nodes, world }, random) {
      const { machine } = random.pick(nodes);
      const ms = random.spread(1_000, 120 * MINUTE);
      world.trace(`${machine.name} sleeps for ${Math.round(ms)} ms`);
      machine.sleep(ms);
    },
  },
  {
    name: 'agent disk full',
    per_hour: 5,
    strike(stage, random) {
      const { world } = stage;
      const agent = agentOf(stage, random);
      if (agent === null) return;
      const { disk, machine } = agent.parts;
      disk.full = true;
      world.trace(`the disk of ${machine.name} is full`);
      world.after(random.spread(1_000, 10 * MINUTE), () => (disk.full = false));
    },
  },
  { name: 'job killed', per_hour: 20, strike: (stage, random) => agentOf(stage, random)?.parts.processes.kill(random) },
  {
    name: 'agent clock jumps',
    per_hour: 4,
    strike: ({ nodes, world }, random) => {
      const { machine } = random.pick(nodes);
      const ms = jump(random);
      world.trace(`the clock of ${machine.name} jumps by ${ms} ms`);
      machine.jump(ms);
    },
  },
  {
    name: 'agent stalls',
    per_hour: 6,
    strike(stage, random) {
      const { world } = stage;
      const life = agentOf(stage, random)?.life ?? null;
      if (life !== null) life.stalled_until = world.time + random.spread(100, 5 * MINUTE);
    },
  },
  { name: 'server killed', per_hour: 8, strike: (stage, random) => fell(stage, random) },
  { name: 'server killed at a commit', per_hour: 15, strike: ({ server }, random) => server.killAtCommit(random.int(1, 30), random.chance(0.5), away(random)) },
  {
    name: 'server stopped',
    per_hour: 4,
    strike({ server, world }, random) {
      const ms = away(random);
      server.stop(() => world.after(ms, () => server.start()));
    },
  },
  {
    name: 'server stalls',
    per_hour: 6,
    strike({ server, world, silence, isCalm }, random) {
      const ms = random.spread(100, 5 * MINUTE);
      const life = server.life();
      server.stall(ms);
      world.trace(`the server stalls for ${Math.round(ms)} ms`);
      // Up to three periods of the sweeper count as silence of the others: a busy machine is no absence.
      // Only the process that stalled was away: another one may be there by then.
      silence.serverPaused(world.time + ms, () => ms > 30_000 && life !== null && server.life() === life && !isCalm());
    },
  },
  {
    name: 'server sleeps',
    per_hour: 2,
    strike({ server, world, silence, isCalm }, random) {
      const ms = random.spread(1_000, 120 * MINUTE);
      world.trace(`the server's machine sleeps for ${Math.round(ms)} ms`);
      server.machine.sleep(ms);
      // When all trouble ends it is woken, perhaps before its time.
      silence.serverPaused(world.time + ms, () => ms > 2_000 && !isCalm());
    },
  },
  {
    name: 'server clock jumps',
    per_hour: 3,
    strike({ server, world, silence }, random) {
      const ms = jump(random);
      world.trace(`the server's clock jumps by ${ms} ms`);
      server.machine.jump(ms);
      silence.serverPaused(world.time, () => Math.abs(ms) > 2_000);
    },
  },
  {
    name: 'server disk full',
    per_hour: 3,
    strike({ server, world, silence }, random) {
      const ms = random.spread(1_000, 10 * MINUTE);
      server.setFull(true);
      world.trace('the disk of the server is full');
      world.after(ms, () => server.setFull(false));
      // Who cannot write cannot judge either, but for short moments.
      silence.serverPaused(world.time + ms, () => false);
    },
  },
  {
    name: 'backup restored',
    per_hour: 3,
    strike(stage, random) {
      stage.backup();
      stage.world.after(random.spread(1_000, 20 * MINUTE), () => stage.restore());
    },
  },
  {
    name: 'agent revoked',
    per_hour: 3,
    strike(stage, random) {
      const name = agentOf(stage, random)?.agent_name ?? null;
      if (name !== null) stage.users.revoke(name, random);
    },
  },
];

/** Some trouble only agents can have. */
export function agentOf({ nodes }: Stage, random: Random): AgentNode | null {
  const agents = nodes.filter((node) => node instanceof AgentNode);
  return agents.length === 0 ? null : random.pick(agents);
}

function jump(random: Random): number {
  return Math.round(random.spread(500, 24 * 60 * MINUTE)) * (random.chance(0.5) ? 1 : -1);
}

function away(random: Random): number {
  return random.spread(10, random.chance(0.1) ? 180 * MINUTE : 10 * MINUTE);
}

function fell({ server, world }: Stage, random: Random): void {
  server.kill();
  world.after(away(random), () => server.start());
}

function weather(random: Random): Weather {
  const bad = (most: number): number => (random.chance(0.5) ? 0 : random.next() * most);
  return { request_lost: bad(0.3), reply_lost: bad(0.3), doubled: bad(0.3), delayed: bad(0.15), vanished: bad(0.1) };
}

/** Plans the trouble of a run up to a moment; returns the names of the kinds that it has. */
export function planTrouble(stage: Stage, until: number): string[] {
  const { world } = stage;
  const random = world.random.fork('faults');
  const share = random.pick([0, 0.15, 0.3, 0.5, 0.8]);
  const kinds = TROUBLES.filter(() => random.chance(share));
  for (const { name, per_hour, strike } of kinds) {
    const own = random.fork(name);
    const next = (): number => (-Math.log(1 - own.next()) / per_hour) * 60 * MINUTE;
    for (let at = next(); at < until; at += next()) world.at(at, () => strike(stage, own));
  }
  return kinds.map(({ name }) => name);
}
