// The data of a chart as a table: what is shown to those who cannot see the picture, and what is saved as CSV.
import { csvLine, type CsvCell } from '../../core/csv.ts';

export type Cell = CsvCell;

export interface ChartTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function csvText({ columns, rows }: ChartTable): string {
  return [columns, ...rows].map(csvLine).join('');
}

/** A number for the eye: four digits, and powers of ten where there are many noughts. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace('e+', 'e');
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 8 });
}

export function cellText(cell: string | number | boolean | null): string {
  if (cell === null) return '–';
  return typeof cell === 'number' ? numberText(cell) : String(cell);
}
