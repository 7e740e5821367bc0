// Variables of experiments, and those that all experiments share. A secret is stored encrypted with the server's key and leaves the server only with
// the lease of a job that uses it.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import type { FrozenVariables, KnownVariables } from '../core/variables.ts';

import type { ServerKey } from './server-key.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

type Source = Pick<Reader, 'sql'>;

/** The experiment of variables that all share. */
export const SHARED = 0;

export interface Variable {
  readonly name: string;
  readonly shared: boolean;
  readonly secret: boolean;
  /** Null: a secret. */
  readonly value: string | null;
  readonly updated_at: number;
}

interface VariableRow {
  readonly experiment_id: number;
  readonly name: string;
  readonly value: string | null;
  readonly cipher: string | null;
  readonly secret: number;
  readonly updated_at: number;
}

/** Those of an experiment and the shared ones, or the shared ones alone; by name, an experiment's own first. */
export async function listVariables(source: Source, experimentId: number): Promise<Variable[]> {
  const rows = await source.sql.all<VariableRow>(`select experiment_id, name, value, secret, updated_at from variable where experiment_id in (${SHARED}, ?)`, [
    experimentId,
  ]);
  // Here and not there: databases sort texts in their own ways.
  return rows.map(toVariable).toSorted((a, b) => (a.name === b.name ? Number(a.shared) - Number(b.shared) : a.name < b.name ? -1 : 1));
}

export async function findVariable(source: Source, experimentId: number, name: string): Promise<Variable | null> {
  const [row] = await source.sql.all<VariableRow>('select experiment_id, name, value, secret, updated_at from variable where experiment_id = ? and name = ?', [
    experimentId,
    name,
  ]);
  return row === undefined ? null : toVariable(row);
}

/** What commands of an experiment can use under these names: its own variables hide shared ones of the same name. */
export async function knownVariables(source: Source, experimentId: number, names: readonly string[]): Promise<KnownVariables> {
  if (names.length === 0) return new Map();
  const rows = await source.sql.all<VariableRow>(
    `select name, value, secret from variable where experiment_id in (${SHARED}, ?) and name in ${valueSet(source.sql.dialect, 'text')} order by experiment_id`,
    [experimentId, JSON.stringify(names)],
  );
  return new Map(rows.map((row) => [row.name, Number(row.secret) === 1 ? null : row.value]));
}

/** What was frozen into a job's command. */
export async function frozenVariables(source: Source, jobId: number): Promise<FrozenVariables> {
  const [row] = await source.sql.all<{ variables_json: string | null }>(
    'select command.variables_json from job join command on command.id = job.command_id where job.id = ?',
    [jobId],
  );
  return readFrozen(row?.variables_json ?? null);
}

export function readFrozen(json: string | null): FrozenVariables {
  return json === null ? {} : (JSON.parse(json) as FrozenVariables);
}

export interface NewVariable {
  readonly experiment_id: number;
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly actor: string;
}

export async function setVariable(tx: Transaction, key: ServerKey, { experiment_id, name, value, secret, actor }: NewVariable): Promise<Variable> {
  const [count] = await tx.sql.all<{ n: number }>('select count(*) as n from variable where experiment_id = ? and name <> ?', [experiment_id, name]);
  if (Number(count!.n) >= LIMITS.variables.value) {
    throw new Refusal('too_many', `There are at most ${LIMITS.variables.value} variables. Remove one first: drover var rm NAME`);
  }
  await tx.sql.run(
    `insert into variable (experiment_id, name, value, cipher, secret, updated_at) values (?, ?, ?, ?, ?, ?)
     on conflict (experiment_id, name) do update
       set value = excluded.value, cipher = excluded.cipher, secret = excluded.secret, updated_at = excluded.updated_at`,
    [experiment_id, name, secret ? null : value, secret ? key.encrypt(value) : null, secret ? 1 : 0, tx.now],
  );
  tell(tx, 'variable_set', { experiment_id, name, secret, actor });
  return { name, shared: experiment_id === SHARED, secret, value: secret ? null : value, updated_at: tx.now };
}

export async function removeVariable(tx: Transaction, { experiment_id, name, actor }: Pick<NewVariable, 'experiment_id' | 'name' | 'actor'>): Promise<void> {
  const removed = await tx.sql.run('delete from variable where experiment_id = ? and name = ?', [experiment_id, name]);
  if (removed === 0) throw new Refusal('not_found', `There is no variable ${name} here.`);
  tell(tx, 'variable_removed', { experiment_id, name, actor });
}

function tell(
  tx: Transaction,
  kind: 'variable_set' | 'variable_removed',
  { experiment_id, actor, ...data }: { experiment_id: number; name: string; secret?: boolean; actor: string },
): void {
  const shared = experiment_id === SHARED;
  tx.event({ kind, experiment_id: shared ? null : experiment_id, actor, data: { ...data, ...(shared ? { shared } : {}) } });
}

/** Values of secrets, by experiment and name; what is not there was removed, or cannot be read with this key. */
export async function readSecrets(tx: Transaction, key: ServerKey, wanted: ReadonlyMap<number, ReadonlySet<string>>): Promise<SecretValues> {
  const experiments = [SHARED, ...wanted.keys()];
  const names = new Set([...wanted.values()].flatMap((set) => [...set]));
  const rows = await tx.sql.all<VariableRow>(
    `select experiment_id, name, value, cipher, secret from variable
     where experiment_id in ${valueSet(tx.sql.dialect, 'int')} and name in ${valueSet(tx.sql.dialect, 'text')}`,
    [JSON.stringify(experiments), JSON.stringify([...names])],
  );
  const values = new Map(rows.map((row) => [`${row.experiment_id} ${row.name}`, opened(key, row)]));
  return (experiment, name) => {
    const own = values.get(`${experiment} ${name}`);
    return own === undefined ? (values.get(`${SHARED} ${name}`) ?? null) : own;
  };
}

export type SecretValues = (experimentId: number, name: string) => string | null;

/** One that cannot be opened must not keep the leases of others from being handed out. */
function opened(key: ServerKey, { value, cipher }: VariableRow): string | null {
  try {
    return cipher === null ? value : key.decrypt(cipher);
  } catch {
    return null;
  }
}

function toVariable(row: VariableRow): Variable {
  const secret = Number(row.secret) === 1;
  const shared = Number(row.experiment_id) === SHARED;
  return { name: row.name, shared, secret, value: secret ? null : row.value, updated_at: Number(row.updated_at) };
}
