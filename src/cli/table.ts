// Aligned columns. On a terminal the table is cut to its width; in a pipe every row stays whole, on one line.
import { pad, paint, printable, textWidth, truncate, type Colour } from './terminal-text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way first when the terminal is narrow. */
  readonly shrinks?: boolean;
}

export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface TableStyle {
  /** Null: no limit. */
  readonly width: number | null;
  readonly colours: boolean;
}

const GAP = 2;
/** A column that shrinks keeps at least this much. */
const LEAST = 8;

export class TableWriter {
  readonly #columns: readonly Column[];
  readonly #style: TableStyle;
  #widths: number[] | null = null;
  /** Indices of the columns that are shown. */
  #shown: number[] = [];

  constructor(columns: readonly Column[], style: TableStyle) {
    this.#columns = columns;
    this.#style = style;
  }

  /** Lines for these rows. The first batch decides the widths and begins with the header; on a terminal it also decides which columns hold anything. */
  lines(rows: readonly (readonly Cell[])[]): string[] {
    const texts = rows.map((row) => row.map((cell) => printable(typeof cell === 'string' ? cell : cell.text)));
    const first = this.#widths === null;
    this.#widths ??= this.#layOut(texts);
    const body = texts.map((row, index) => this.#line(row, (column) => colourOf(rows[index]![column]!)));
    if (!first) return body;
    const header = this.#columns.map((column) => column.title);
    return [this.#line(header, () => 'bold'), ...body];
  }

  #layOut(texts: readonly (readonly string[])[]): number[] {
    const all = [...this.#columns.keys()];
    this.#shown = this.#style.width === null ? all : all.filter((index) => texts.some((row) => row[index] !== ''));
    const columns = this.#shown.map((index) => this.#columns[index]!);
    return columnWidths(
      columns,
      texts.map((row) => this.#shown.map((index) => row[index]!)),
      this.#style.width,
    );
  }

  #line(texts: readonly string[], colour: (column: number) => Colour | null): string {
    const cells = this.#shown.map((index, position) => {
      const column = this.#columns[index]!;
      const width = this.#widths![position]!;
      const text = this.#style.width === null ? texts[index]! : truncate(texts[index]!, width);
      const last = position === this.#shown.length - 1;
      const padded = last && column.align !== 'right' ? text : pad(text, width, column.align ?? 'left');
      const name = colour(index);
      return this.#style.colours && name !== null && text !== '' ? padded.replace(text, () => paint(text, name)) : padded;
    });
    return cells.join(' '.repeat(GAP)).trimEnd();
  }
}

function colourOf(cell: Cell): Colour | null {
  return typeof cell === 'string' ? null : cell.colour;
}

function columnWidths(columns: readonly Column[], rows: readonly (readonly string[])[], limit: number | null): number[] {
  const widths = columns.map((column, index) => rows.reduce((widest, row) => Math.max(widest, textWidth(row[index]!)), textWidth(column.title)));
  if (limit === null) return widths;
  let over = widths.reduce((sum, width) => sum + width, (columns.length - 1) * GAP) - limit;
  const order = [...columns.keys()].sort((a, b) => Number(columns[b]!.shrinks ?? false) - Number(columns[a]!.shrinks ?? false) || widths[b]! - widths[a]!);
  for (const index of order) {
    if (over <= 0) break;
    const less = Math.min(over, Math.max(0, widths[index]! - LEAST));
    widths[index]! -= less;
    over -= less;
  }
  return widths;
}
