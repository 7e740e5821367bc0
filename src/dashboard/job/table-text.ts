// CSV and TSV as rows of cells, for looking at: quotes and quoted newlines as RFC 4180 has them, at most so many rows.

export function readTable(text: string, separator: ',' | '\t', maxRows: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length && rows.length < maxRows) {
    const cell = readCell(text, at, separator);
    row.push(cell.text);
    at = cell.end;
    if (text[at] === separator) {
      at += 1;
      if (at < text.length) continue;
      row.push('');
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    rows.push(row);
    row = [];
  }
  return rows;
}

function readCell(text: string, start: number, separator: string): { text: string; end: number } {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end += 1;
    return { text: text.slice(start, end), end };
  }
  let cell = '';
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return { text: cell + text.slice(at), end: text.length };
    cell += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { text: cell, end: quote + 1 };
    cell += '"';
    at = quote + 2;
  }
}

export interface SquareTable {
  /** The label above the labels, e.g. `actual`. */
  readonly corner: string;
  /** Of the columns, and of the rows. */
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly values: readonly (readonly number[])[];
}

/** As many rows of numbers as columns, with names on top and at the left or without any: a confusion matrix, for instance. Else null. */
export function readSquare(table: readonly (readonly string[])[], most: number): SquareTable | null {
  const lines = table.filter((row) => row.some((cell) => cell.trim() !== ''));
  const [head] = lines;
  if (head === undefined) return null;
  const bare = lines.length >= 2 && lines.length <= most ? numbersOf(lines) : null;
  if (bare !== null && bare.every((row) => row.length === lines.length)) {
    const names = lines.map((_, index) => String(index));
    return { corner: '', columns: names, rows: names, values: bare };
  }
  const body = lines.slice(1);
  if (body.length < 2 || body.length > most) return null;
  const values = numbersOf(body.map((row) => row.slice(1)));
  const isSquare = head.length === body.length + 1 && values?.every((row) => row.length === body.length);
  return values !== null && isSquare === true ? { corner: head[0]!, columns: head.slice(1), rows: body.map((row) => row[0]!), values } : null;
}

function numbersOf(rows: readonly (readonly string[])[]): number[][] | null {
  const values = rows.map((row) => row.map((cell) => (cell.trim() === '' ? NaN : Number(cell))));
  return values.every((row) => row.every(Number.isFinite)) ? values : null;
}
