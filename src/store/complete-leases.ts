// Fills in what a lease takes from its experiment and its command: read once per transaction, whatever the number of leases.
import { DEFAULT_SETTINGS, type ExperimentSettings } from './experiments.ts';
import { valueSet } from './sql.ts';
import type { GrantedLease } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** Command texts never change, so they are kept; the least recently added go first. */
const KEPT_TEMPLATES = 5_000;
const templates = new WeakMap<object, Map<number, string>>();

export interface KnownExperiment {
  readonly experiment_id: number;
  readonly name: string;
  readonly settings_json: string;
}

/** `known`: experiments that were read in this transaction already. */
export async function completeLeases(tx: Transaction, leases: readonly GrantedLease[], known: readonly KnownExperiment[]): Promise<void> {
  if (leases.length === 0) return;
  const experiments = await readExperiments(tx, new Set(leases.map((lease) => lease.experiment_id)), known);
  const commands = await readTemplates(tx, new Set(leases.flatMap((lease) => lease.command_id ?? [])));
  for (const lease of leases) {
    const { name, settings } = experiments.get(lease.experiment_id)!;
    lease.experiment = name;
    lease.template = lease.command_id === null ? null : commands.get(lease.command_id)!;
    lease.timeout_seconds ??= settings.timeout_seconds;
    lease.grace_seconds ??= settings.grace_seconds;
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

async function readTemplates(tx: Transaction, ids: ReadonlySet<number>): Promise<Map<number, string>> {
  const known = templates.get(tx.sql) ?? new Map<number, string>();
  templates.set(tx.sql, known);
  const missing = [...ids].filter((id) => !known.has(id));
  if (missing.length > 0) {
    const rows = await tx.sql.all<{ id: number; template: string }>(`select id, template from command where id in ${valueSet(tx.sql.dialect, 'int')}`, [
      JSON.stringify(missing),
    ]);
    for (const row of rows) known.set(Number(row.id), row.template);
    for (const id of known.keys()) {
      if (known.size <= KEPT_TEMPLATES || ids.has(id)) break;
      known.delete(id);
    }
  }
  return known;
}
