// What the operating system says about this machine and its processes. A process is known by pid, start time, boot and
// pid namespace together, because a pid alone is soon given to somebody else.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot; null where the system does not tell. */
  readonly start_time: string | null;
  readonly boot_id: string;
  readonly pid_namespace: string;
}

/** `elsewhere`: another machine, boot or namespace, where this process cannot look. */
export type Sight = 'alive' | 'dead' | 'elsewhere';

export interface Host {
  readonly name: string;
  readonly boot_id: string;
  readonly pid_namespace: string;
  /** Of a process that lives; null when it is dead, a zombie included. */
  identify(pid: number): ProcessIdentity | null;
  see(identity: ProcessIdentity): Sight;
  /** Milliseconds since a process of this boot started, by a clock that nobody sets; null where the system does not tell. */
  age(identity: ProcessIdentity): number | null;
  /** Whether anything but zombies is left in a process group. */
  groupLives(group: number): boolean;
  /** False when nobody is there. A negative pid means the group. */
  signal(pid: number, name: NodeJS.Signals): boolean;
}

/** As Linux tells them to programs, whatever its own are. */
const TICKS_PER_SECOND = 100;

export function createHost(): Host {
  const boot_id = readText('/proc/sys/kernel/random/boot_id') ?? '-';
  const pid_namespace = readNamespace();
  const hasProc = readText('/proc/self/stat') !== null;

  function identify(pid: number): ProcessIdentity | null {
    if (!hasProc) return exists(pid) ? { pid, start_time: null, boot_id, pid_namespace } : null;
    const stat = readStat(pid);
    return stat === null || stat.dead ? null : { pid, start_time: stat.start_time, boot_id, pid_namespace };
  }

  return {
    name: hostname(),
    boot_id,
    pid_namespace,
    identify,
    see(identity) {
      if (identity.boot_id !== boot_id || identity.pid_namespace !== pid_namespace) return 'elsewhere';
      const found = identify(identity.pid);
      return found !== null && (identity.start_time === null || found.start_time === identity.start_time) ? 'alive' : 'dead';
    },
    age({ start_time }) {
      // By this process, whose age is known: containers may tell an uptime of their own, but start times all of the same boot.
      const started = readStat(process.pid)?.start_time ?? null;
      if (started === null || start_time === null) return null;
      return Math.max(0, process.uptime() * 1000 + ((Number(started) - Number(start_time)) * 1000) / TICKS_PER_SECOND);
    },
    groupLives(group) {
      if (!exists(-group)) return false;
      return (
        !hasProc ||
        processIds().some((pid) => {
          const stat = readStat(pid);
          return stat !== null && stat.group === group && !stat.dead;
        })
      );
    },
    signal(pid, name) {
      try {
        return process.kill(pid, name);
      } catch {
        return false;
      }
    },
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

interface Stat {
  readonly dead: boolean;
  readonly group: number;
  readonly start_time: string;
}

/** The program's name in the second field may hold blanks and brackets; what counts comes after its last bracket. */
function readStat(pid: number): Stat | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { dead: 'ZXx'.includes(fields[0] ?? 'X'), group: Number(fields[2]), start_time: fields[19] ?? '' };
}

function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '-';
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
