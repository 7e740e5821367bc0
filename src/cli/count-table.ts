// The counts of an experiment as columns.
import type { CountsShape } from '../contract/schemas.ts';
import { STATUS_COLOURS } from './output.ts';
import type { Cell, Column } from './table.ts';

const SHOWN = ['pending', 'running', 'done', 'aborted'] as const;

export const COUNT_COLUMNS: readonly Column[] = [...SHOWN, 'total'].map((name) => ({ title: name.toUpperCase(), align: 'right' }));

export function countCells(counts: CountsShape): Cell[] {
  const cells = SHOWN.map((status): Cell => (counts[status] === 0 ? '0' : { text: String(counts[status]), colour: STATUS_COLOURS[status]! }));
  return [...cells, String(counts.total)];
}
