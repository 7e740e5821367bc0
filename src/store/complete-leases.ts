// Fills in what a lease takes from its experiment and its command: read once per transaction, whatever the number of leases.
import { type FrozenVariables, secretNames } from '../core/variables.ts';

import { DEFAULT_SETTINGS, type ExperimentSettings } from './experiments.ts';
import type { ServerKey } from './server-key.ts';
import { valueSet } from './sql.ts';
import type { GrantedLease } from './sync-session.ts';
import { readFrozen, readSecrets } from './variables.ts';
import type { Transaction } from './writer.ts';

/** Command texts never change, so they are kept; the least recently added go first. */
const KEPT_COMMANDS = 5_000;
/** A command with longer values is read each time. */
const KEPT_CHARACTERS = 16 * 1024;
const commandTexts = new WeakMap<object, Map<number, CommandText>>();

interface CommandText {
  readonly template: string;
  readonly variables: FrozenVariables;
}

export interface KnownExperiment {
  readonly experiment_id: number;
  readonly name: string;
  readonly settings_json: string;
}

/** `known`: experiments that were read in this transaction already. */
export async function completeLeases(
  tx: Transaction,
  leases: readonly GrantedLease[],
  { known, key }: { readonly known: readonly KnownExperiment[]; readonly key: ServerKey },
): Promise<void> {
  if (leases.length === 0) return;
  const experiments = await readExperiments(tx, new Set(leases.map((lease) => lease.experiment_id)), known);
  const commands = await readCommands(tx, new Set(leases.flatMap((lease) => lease.command_id ?? [])));
  for (const lease of leases) {
    const { name, settings } = experiments.get(lease.experiment_id)!;
    lease.experiment = name;
    if (lease.command_id !== null) ({ template: lease.template, variables: lease.variables } = commands.get(lease.command_id)!);
    lease.timeout_seconds ??= settings.timeout_seconds;
    lease.grace_seconds ??= settings.grace_seconds;
  }
  await addSecrets(tx, leases, key);
}

/** The values of this moment: a secret that was changed is the new one for every start from now on. */
async function addSecrets(tx: Transaction, leases: readonly GrantedLease[], key: ServerKey): Promise<void> {
  const wanted = new Map<number, Set<string>>();
  for (const { experiment_id, variables } of leases) {
    for (const name of secretNames(variables)) {
      const names = wanted.get(experiment_id);
      if (names === undefined) wanted.set(experiment_id, new Set([name]));
      else names.add(name);
    }
  }
  if (wanted.size === 0) return;
  const valueOf = await readSecrets(tx, key, wanted);
  for (const lease of leases) {
    lease.secrets = Object.fromEntries(secretNames(lease.variables).map((name) => [name, valueOf(lease.experiment_id, name)]));
  }
}

async function readExperiments(
  tx: Transaction,
  ids: ReadonlySet<number>,
  known: readonly KnownExperiment[],
): Promise<Map<number, { name: string; settings: ExperimentSettings }>> {
  const rows = new Map(known.filter(({ experiment_id }) => ids.has(experiment_id)).map((row) => [row.experiment_id, row]));
  const missing = [...ids].filter((id) => !rows.has(id));
  if (missing.length > 0) {
    const read = await tx.sql.all<KnownExperiment>(
      `select id as experiment_id, name, settings_json from experiment where id in ${valueSet(tx.sql.dialect, 'int')}`,
      [JSON.stringify(missing)],
    );
    for (const row of read) rows.set(Number(row.experiment_id), row);
  }
  const settingsOf = (json: string): ExperimentSettings => ({ ...DEFAULT_SETTINGS, ...(JSON.parse(json) as Partial<ExperimentSettings>) });
  return new Map([...rows].map(([id, { name, settings_json }]) => [id, { name, settings: settingsOf(settings_json) }]));
}

async function readCommands(tx: Transaction, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, CommandText>> {
  const kept = commandTexts.get(tx.sql) ?? new Map<number, CommandText>();
  commandTexts.set(tx.sql, kept);
  const missing = [...ids].filter((id) => !kept.has(id));
  if (missing.length === 0) return kept;
  const rows = await tx.sql.all<{ id: number; template: string; variables_json: string | null }>(
    `select id, template, variables_json from command where id in ${valueSet(tx.sql.dialect, 'int')}`,
    [JSON.stringify(missing)],
  );
  const read = new Map(rows.map((row) => [Number(row.id), { template: row.template, variables: readFrozen(row.variables_json) }]));
  const all = new Map([...ids].map((id) => [id, kept.get(id) ?? read.get(id)!]));
  for (const row of rows) if ((row.variables_json?.length ?? 0) <= KEPT_CHARACTERS) kept.set(Number(row.id), read.get(Number(row.id))!);
  for (const id of kept.keys()) {
    if (kept.size <= KEPT_COMMANDS) break;
    kept.delete(id);
  }
  return all;
}
