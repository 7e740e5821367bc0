// Saved views of an experiment. What is in one is the contract's business; here it is a text with a name that is unique.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';

import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface SavedView {
  readonly id: number;
  readonly name: string;
  readonly view_json: string;
  readonly updated_at: number;
  readonly updated_by: string;
}

const COLUMNS = ['id', 'name', 'view_json', 'updated_at', 'updated_by'] as const;

/** In the order of their names, as people sort them. */
export async function listViews(reader: Pick<Reader, 'query'>, experimentId: number): Promise<SavedView[]> {
  const rows = await reader.query.selectFrom('saved_view').select(COLUMNS).where('experiment_id', '=', experimentId).execute();
  return rows.map(toView).sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id - b.id);
}

export interface NewView {
  readonly experiment_id: number;
  readonly name: string;
  readonly view_json: string;
  readonly actor: string;
}

export async function createView(tx: Transaction, { experiment_id, name, view_json, actor }: NewView): Promise<SavedView> {
  const [count] = await tx.sql.all<{ n: number }>('select count(*) as n from saved_view where experiment_id = ?', [experiment_id]);
  if (Number(count!.n) >= LIMITS.views.value) throw new Refusal('too_many', `An experiment keeps at most ${LIMITS.views.value} views. Delete one first.`);
  const row = await tx.query
    .insertInto('saved_view')
    .values({ experiment_id, name, view_json, updated_at: tx.now, updated_by: actor })
    .onConflict((conflict) => conflict.columns(['experiment_id', 'name']).doNothing())
    .returning(COLUMNS)
    .executeTakeFirst();
  if (row === undefined) throw taken(name);
  tell(tx, experiment_id, actor);
  return toView(row);
}

export interface ViewChange {
  readonly experiment_id: number;
  readonly id: number;
  readonly name: string | undefined;
  readonly view_json: string | undefined;
  readonly actor: string;
}

export async function changeView(tx: Transaction, { experiment_id, id, name, view_json, actor }: ViewChange): Promise<SavedView> {
  if (name !== undefined) {
    const other = await tx.query
      .selectFrom('saved_view')
      .select('id')
      .where((row) => row.and({ experiment_id, name }))
      .where('id', '!=', id)
      .executeTakeFirst();
    if (other !== undefined) throw taken(name);
  }
  const row = await tx.query
    .updateTable('saved_view')
    .set({ ...(name === undefined ? {} : { name }), ...(view_json === undefined ? {} : { view_json }), updated_at: tx.now, updated_by: actor })
    .where((one) => one.and({ experiment_id, id }))
    .returning(COLUMNS)
    .executeTakeFirst();
  if (row === undefined) throw missing();
  tell(tx, experiment_id, actor);
  return toView(row);
}

export async function deleteView(tx: Transaction, { experiment_id, id, actor }: { experiment_id: number; id: number; actor: string }): Promise<void> {
  const deleted = await tx.sql.run('delete from saved_view where experiment_id = ? and id = ?', [experiment_id, id]);
  if (deleted === 0) throw missing();
  tell(tx, experiment_id, actor);
}

function tell(tx: Transaction, experiment_id: number, actor: string): void {
  tx.event({ kind: 'views_changed', experiment_id, actor, data: {} });
}

function taken(name: string): Refusal {
  return new Refusal('view_exists', `There is already a view ${JSON.stringify(name)}. Choose another name, or update that one.`);
}

function missing(): Refusal {
  return new Refusal('not_found', 'This view does not exist any more.');
}

function toView(row: SavedView): SavedView {
  return { ...row, id: Number(row.id), updated_at: Number(row.updated_at) };
}
