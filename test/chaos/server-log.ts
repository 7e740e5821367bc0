// What the servers complained of while everything broke: counted, and each kind of complaint needs a fault that explains it.
import type { Field, Spell } from './field.ts';

interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly what?: string;
  readonly err?: { readonly message?: string; readonly code?: string };
}

/** Counted by their words; lines that nothing explains become violations. */
export function readServerLogs(field: Field): Map<string, number> {
  const counted = new Map<string, number>();
  for (const { name, server } of field.servers) {
    for (const text of server.log().split('\n')) {
      const line = parse(text);
      if (line === null) continue;
      const words = [line.level, line.msg, line.what, line.err?.code ?? line.err?.message?.slice(0, 80)].filter((word) => word !== undefined).join(' | ');
      counted.set(words, (counted.get(words) ?? 0) + 1);
      if ((line.level === 'error' || line.level === 'fatal') && !isExplained(field, name, line))
        field.violation(`the log of ${name} has: ${text.slice(0, 1_000)}`);
    }
  }
  return counted;
}

function parse(text: string): LogLine | null {
  if (!text.startsWith('{"level":')) return null;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}

/** What a server may complain of, and while which faults. */
const COMPLAINTS: readonly { readonly of: RegExp; readonly during: ReadonlySet<string> }[] = [
  { of: /no space left|database or disk is full|ENOSPC|SQLITE_FULL|disk I\/O error/i, during: new Set(['fill server disk']) },
  { of: /connection terminated|terminating connection|connection ended|not queryable|57P01|ECONNRESET|EPIPE/i, during: new Set(['break database']) },
];

const AROUND_MS = 5_000;

function isExplained({ spells }: Field, server: string, line: LogLine): boolean {
  const at = Date.parse(line.time);
  const text = JSON.stringify(line);
  const own = spells.filter(({ side, struck }) => side === 'server' && struck.includes(server));
  return COMPLAINTS.some(
    ({ of, during }) =>
      of.test(text) && spells.some((spell) => during.has(spell.kind) && at >= spell.from - AROUND_MS && at <= noticedUntil(spell, own) + AROUND_MS),
  );
}

/** A server that is paused when something happens hears of it when it goes on. */
function noticedUntil({ from, healed }: Spell, own: readonly Spell[]): number {
  const until = healed ?? Infinity;
  const paused = own.filter((spell) => spell.from <= until && (spell.healed ?? Infinity) >= from);
  return Math.max(until, ...paused.map((spell) => spell.healed ?? Infinity));
}
