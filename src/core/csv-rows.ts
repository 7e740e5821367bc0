// Reads CSV and TSV by RFC 4180, and says by line and column where a text is none. A row at a time, so that a large file need not be read in one go.

export interface CsvCell {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface CsvFault {
  readonly line: number;
  readonly column: number;
  readonly sentence: string;
}

export type CsvRow = { readonly cells: readonly CsvCell[] } | { readonly fault: CsvFault };

export type Separator = ',' | '\t' | ';';

/** Empty lines are no rows. Spaces around a cell without quotes do not count. After a fault there is no more. */
export function* csvRows(text: string, separator: Separator): Generator<CsvRow, void> {
  const reader = { text, separator, at: 0, line: 1, lineStart: 0 };
  while (reader.at < text.length) {
    const cells: CsvCell[] = [];
    for (;;) {
      const cell = readCell(reader);
      if ('fault' in cell) return yield cell;
      cells.push(cell);
      if (text[reader.at] !== separator) break;
      reader.at += 1;
    }
    endLine(reader);
    if (cells.length > 1 || cells[0]!.text !== '') yield { cells };
  }
}

interface Reader {
  readonly text: string;
  readonly separator: string;
  at: number;
  /** From 1. */
  line: number;
  lineStart: number;
}

function readCell(reader: Reader): CsvCell | { readonly fault: CsvFault } {
  const { text, separator } = reader;
  while (text[reader.at] === ' ') reader.at += 1;
  const place = { line: reader.line, column: reader.at - reader.lineStart + 1 };
  if (text[reader.at] === '"') return readQuoted(reader, place);
  const start = reader.at;
  while (reader.at < text.length && text[reader.at] !== separator && !isLineEnd(text[reader.at])) reader.at += 1;
  return { text: text.slice(start, reader.at).trimEnd(), ...place };
}

function readQuoted(reader: Reader, place: { readonly line: number; readonly column: number }): CsvCell | { readonly fault: CsvFault } {
  const { text, separator } = reader;
  let cell = '';
  reader.at += 1;
  for (;;) {
    const quote = text.indexOf('"', reader.at);
    if (quote === -1) return { fault: { ...place, sentence: 'The quote that opens here is never closed.' } };
    const part = text.slice(reader.at, quote);
    cell += part;
    countLines(reader, part);
    reader.at = quote + 1;
    if (text[reader.at] !== '"') break;
    cell += '"';
    reader.at += 1;
  }
  while (text[reader.at] === ' ') reader.at += 1;
  const next = text[reader.at];
  if (next === undefined || next === separator || isLineEnd(next)) return { text: cell, ...place };
  const fault = {
    line: reader.line,
    column: reader.at - reader.lineStart + 1,
    sentence: 'Text follows the closing quote; a quote inside a cell is written twice.',
  };
  return { fault };
}

/** A quoted cell may hold line ends. */
function countLines(reader: Reader, part: string): void {
  for (let at = part.indexOf('\n'); at !== -1; at = part.indexOf('\n', at + 1)) {
    reader.line += 1;
    reader.lineStart = reader.at + at + 1;
  }
}

function endLine(reader: Reader): void {
  if (reader.text[reader.at] === '\r') reader.at += 1;
  if (reader.text[reader.at] === '\n') reader.at += 1;
  reader.line += 1;
  reader.lineStart = reader.at;
}

function isLineEnd(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}
