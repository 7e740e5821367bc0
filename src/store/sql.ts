// The least that both engines share: a text with `?`, values, rows. Everything above it is written once.

export type SqlValue = string | number | null | Uint8Array;
export type Row = Record<string, unknown>;

export type DialectName = 'sqlite' | 'postgres';

/** A connection, or the transaction that is open on one. Statements are prepared once per text. */
export interface Sql {
  readonly dialect: DialectName;
  all<R = Row>(text: string, values?: readonly SqlValue[]): Promise<R[]>;
  /** Runs a write; returns the number of rows it changed. */
  run(text: string, values?: readonly SqlValue[]): Promise<number>;
}

/** The connection of the transaction that is open. */
export interface WriteSql extends Sql {
  /**
   * Sends a write whose answer nobody needs. On PostgreSQL whatever follows goes out at once, in order and without waiting for it; if it fails, so does
   * everything up to the commit, with its error.
   */
  send(text: string, values?: readonly SqlValue[]): void;
}

export type ColumnType = 'int' | 'real' | 'text';

/**
 * A set of rows as one parameter (`?`, a JSON list of lists), usable as a table: `(…) as v`. This is how a statement takes
 * many at once with one text that stays prepared, whatever the size of the set.
 */
export function rowSet(dialect: DialectName, columns: Readonly<Record<string, ColumnType>>): string {
  const names = Object.entries(columns);
  if (dialect === 'sqlite') {
    const picks = names.map(([name], index) => `json_extract(value, '$[${index}]') as ${name}`);
    return `(select ${picks.join(', ')} from json_each(?))`;
  }
  const types: Record<ColumnType, string> = { int: 'bigint', real: 'double precision', text: 'text' };
  const picks = names.map(([name, type], index) => `(element ->> ${index})::${types[type]} as ${name}`);
  return `(select ${picks.join(', ')} from jsonb_array_elements(?::jsonb) as element)`;
}

/** A list of numbers or texts as one parameter (`?`, a JSON list), usable after `in`. */
export function valueSet(dialect: DialectName, type: ColumnType): string {
  if (dialect === 'sqlite') return `(select value from json_each(?))`;
  const cast = type === 'text' ? 'text' : type === 'int' ? 'bigint' : 'double precision';
  return `(select (element #>> '{}')::${cast} from jsonb_array_elements(?::jsonb) as element)`;
}

/** Joined before a table, makes a list of numbers (`?`, a JSON list) the way in which its rows are found: one look-up for each. */
export function chosenNumbers(dialect: DialectName): string {
  return `(select value as chosen from ${dialect === 'sqlite' ? 'json_each(?)' : '(select (jsonb_array_elements_text(?::jsonb))::bigint as value) as list'}) as list_of_numbers cross join`;
}

/** Ends a select of rows that are about to be written: on PostgreSQL another server may write them meanwhile; SQLite has one writer. */
export function lockOf(sql: Pick<Sql, 'dialect'>): string {
  return sql.dialect === 'postgres' ? ' for update' : '';
}

/** PostgreSQL numbers its parameters. */
export function numberedPlaceholders(text: string): string {
  let count = 0;
  return text.replace(/\?/g, () => `$${(count += 1)}`);
}
