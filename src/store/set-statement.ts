// Statements that take a set of rows at once. What all rows of a set have in common is told once, as a parameter; only what differs is
// read from a list, because to pick a value out of JSON takes as long as to find a row. The text stays prepared for each such shape.
import type { ColumnType, DialectName, Sql, SqlValue, WriteSql } from './sql.ts';

export type Cell = string | number | null;
export type CellRow = readonly Cell[];

export interface SetStatement {
  readonly dialect: DialectName;
  readonly names: readonly string[];
  readonly types: readonly ColumnType[];
  /** The statement around a set, which is usable as a table: `(…)`, to be followed by `as v`. */
  readonly around: (set: string) => string;
  /** Texts by shape: which columns differ. */
  readonly texts: Map<string, string>;
}

/** `around` must hold no parameter of its own. */
export function setStatement(dialect: DialectName, columns: Readonly<Record<string, ColumnType>>, around: (set: string) => string): SetStatement {
  return { dialect, names: Object.keys(columns), types: Object.values(columns), around, texts: new Map() };
}

/** Text and values of the statement for these rows, of which there is at least one. */
export function bindSet(statement: SetStatement, rows: readonly CellRow[]): { text: string; values: SqlValue[] } {
  const [first] = rows;
  const differing = differingColumns(rows, statement.names.length);
  const values: SqlValue[] = first!.filter((_, column) => !differing.includes(column));
  if (differing.length > 0) values.push(JSON.stringify(listOf(rows, differing)));
  const shape = differing.join();
  let text = statement.texts.get(shape);
  if (text === undefined) statement.texts.set(shape, (text = statement.around(setText(statement, differing))));
  return { text, values };
}

/** Runs the statement for these rows; nothing happens for none. */
export async function runSet(sql: Sql, statement: SetStatement, rows: readonly CellRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const { text, values } = bindSet(statement, rows);
  return sql.run(text, values);
}

/**
 * Sends writes that touch nothing in common, so that their order does not matter. PostgreSQL gets them as one statement: to take a message apart, to
 * begin and to end a statement takes it as long as to write a row.
 */
export function sendSets(sql: WriteSql, sets: readonly (readonly [SetStatement, readonly CellRow[]])[]): void {
  const bound = sets.filter(([, rows]) => rows.length > 0).map(([statement, rows]) => bindSet(statement, rows));
  if (bound.length === 0) return;
  if (sql.dialect === 'sqlite') for (const { text, values } of bound) sql.send(text, values);
  else
    sql.send(
      joined(bound.map(({ text }) => text)),
      bound.flatMap(({ values }) => values),
    );
}

function joined(texts: readonly string[]): string {
  const before = texts.slice(0, -1).map((text, index) => `part_${index} as (${text})`);
  return `${before.length === 0 ? '' : `with ${before.join(', ')} `}${texts.at(-1)!}`;
}

/** A single row has no list at all; of several, something must say how many they are. */
function differingColumns(rows: readonly CellRow[], columns: number): number[] {
  const [first] = rows;
  const differing: number[] = [];
  for (let column = 0; column < columns; column += 1) {
    const common = first![column];
    for (let index = 1; index < rows.length; index += 1) {
      if (rows[index]![column] === common) continue;
      differing.push(column);
      break;
    }
  }
  return differing.length === 0 && rows.length > 1 ? [0] : differing;
}

function listOf(rows: readonly CellRow[], columns: readonly number[]): readonly (Cell | Cell[])[] {
  if (columns.length === 1) return rows.map((row) => row[columns[0]!]!);
  return rows.map((row) => columns.map((column) => row[column]!));
}

const POSTGRES_TYPES: Record<ColumnType, string> = { int: 'bigint', real: 'double precision', text: 'text' };

function setText({ dialect, names, types }: SetStatement, differing: readonly number[]): string {
  const common = names.flatMap((name, column) => (differing.includes(column) ? [] : [`${commonValue(dialect, types[column]!)} as ${name}`]));
  const picked = differing.map((column, place) => `${pickedValue(dialect, types[column]!, differing.length === 1 ? null : place)} as ${names[column]!}`);
  const list = dialect === 'sqlite' ? 'json_each(?)' : 'jsonb_array_elements(?::jsonb) as element';
  return `(select ${[...common, ...picked].join(', ')}${differing.length === 0 ? '' : ` from ${list}`})`;
}

/** SQLite is given every number as a floating one. */
function commonValue(dialect: DialectName, type: ColumnType): string {
  if (dialect === 'postgres') return `?::${POSTGRES_TYPES[type]}`;
  return type === 'int' ? 'cast(? as integer)' : '?';
}

function pickedValue(dialect: DialectName, type: ColumnType, place: number | null): string {
  if (dialect === 'sqlite') return place === null ? 'value' : `json_extract(value, '$[${place}]')`;
  return `(element ${place === null ? `#>> '{}'` : `->> ${place}`})::${POSTGRES_TYPES[type]}`;
}
