// The table at the end of a run.
import type { Audit } from './audit.ts';
import type { Field, Spell } from './field.ts';

export function makeReport(field: Field, audited: Audit, logged: ReadonlyMap<string, number>): string {
  const { jobs, attempts, executions, amounts, drain_ms } = audited;
  const longest = longestRecovery(field.spells);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rows: [string, string][] = [
    ['jobs', `${jobs.length} (${tally(jobs.map(({ status }) => status))})`],
    ['executions', `${executions.length}, ${executions.filter(({ exit_code }) => exit_code !== null).length} of which came to their own end`],
    ['attempts', `${attempts.length} (${tally(attempts.map(({ outcome }) => outcome ?? 'open'))})`],
    ['ends told after a loss', String(attempts.filter(({ evidence }) => evidence !== null).length)],
    ['log bytes compared', `${amounts.log_bytes}${amounts.torn > 0 ? ` (${amounts.torn} logs torn by a full disk are counted, not compared)` : ''}`],
    ['metric points', String(amounts.points)],
    ['files and checkpoints', `${amounts.files} and ${amounts.checkpoints}, ${amounts.file_bytes} bytes`],
    ['faults', `${field.spells.length}`],
    ...[...group(field.spells)].map(([kind, spells]): [string, string] => [`  ${kind}`, `${spells.length}${lastingText(spells)}`]),
    ['time to drain', seconds(drain_ms)],
    [
      'longest recovery',
      longest === null
        ? 'none seen'
        : `${seconds(longest.ms)} after: ${longest.spell.kind}, which lasted ${seconds(longest.spell.healed! - longest.spell.from)}`,
    ],
    ...[...logged].map(([words, count]): [string, string] => ['server log', `${count} × ${words}`]),
    ['violations', String(field.violations.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function tally(words: readonly string[]): string {
  const counted = new Map<string, number>();
  for (const word of words) counted.set(word, (counted.get(word) ?? 0) + 1);
  return [...counted]
    .toSorted(([, a], [, b]) => b - a)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}

function group(spells: readonly Spell[]): Map<string, Spell[]> {
  const groups = new Map<string, Spell[]>();
  for (const spell of spells) groups.set(spell.kind, [...(groups.get(spell.kind) ?? []), spell]);
  return new Map([...groups].toSorted(([a], [b]) => a.localeCompare(b)));
}

function lastingText(spells: readonly Spell[]): string {
  const longest = Math.max(...spells.map(({ from, healed }) => (healed ?? from) - from));
  return longest < 100 ? '' : `, up to ${(longest / 1000).toFixed(1)} s`;
}

/** Only of faults beside which nothing else was broken or still recovering. */
function longestRecovery(spells: readonly Spell[]): { spell: Spell; ms: number } | null {
  const until = ({ healed, recovered }: Spell): number => recovered ?? healed ?? Infinity;
  const alone = spells.filter(
    (spell) =>
      spell.side !== 'job' &&
      spell.recovered !== null &&
      !spells.some((other) => other !== spell && other.side !== 'job' && other.from < spell.recovered! && until(other) > spell.from),
  );
  const best = alone.toSorted((a, b) => b.recovered! - b.healed! - (a.recovered! - a.healed!))[0];
  return best === undefined ? null : { spell: best, ms: best.recovered! - best.healed! };
}
