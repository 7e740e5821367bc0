// As what attempts were run: command line, place and variables, as their agent told it at the start. The first telling of an attempt is kept.
import { createHash } from 'node:crypto';

import { type AttemptName, type AttemptReference, proveAttempts } from './attempt-proof.ts';
import type { ServerKey } from './server-key.ts';
import { sendSets, type SetStatement, setStatement } from './set-statement.ts';
import type { DialectName } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface ExecutionPlace {
  readonly host: string;
  readonly user: string | null;
  readonly working_directory: string;
  readonly script: string | null;
  readonly interpreter: string | null;
  readonly interpreter_version: string | null;
  readonly agent_version: string;
  readonly platform: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface OwnExecution {
  readonly arguments: readonly string[];
  readonly cut: boolean;
  readonly process_id: number | null;
  readonly variables: Readonly<Record<string, string>>;
}

export interface ToldExecutions {
  readonly place: ExecutionPlace;
  readonly attempts: readonly (AttemptReference & OwnExecution)[];
}

export type Execution = ExecutionPlace & OwnExecution;

interface Statements {
  readonly places: SetStatement;
  readonly executions: SetStatement;
}

const statements: Record<DialectName, Statements> = { sqlite: inserting('sqlite'), postgres: inserting('postgres') };

function inserting(dialect: DialectName): Statements {
  return {
    places: setStatement(
      dialect,
      { hash: 'text', place: 'text' },
      (set) => `insert into execution_place (hash, place_json) select hash, place from ${set} as v where true on conflict (hash) do nothing`,
    ),
    executions: setStatement(
      dialect,
      { job_id: 'int', attempt: 'int', rank: 'int', hash: 'text', own: 'text' },
      (set) => `insert into execution (job_id, attempt, rank, place_id, own_json)
        select v.job_id, v.attempt, v.rank, (select id from execution_place where execution_place.hash = v.hash), v.own from ${set} as v where true
        on conflict (job_id, attempt, rank) do nothing`,
    ),
  };
}

/** Only what comes with the token of its attempt is believed, whether that attempt still counts or not. */
export async function recordExecutions(tx: Transaction, key: ServerKey, told: readonly ToldExecutions[]): Promise<void> {
  if (told.length === 0) return;
  const proof = await proveAttempts(
    tx,
    key,
    told.flatMap(({ attempts }) => attempts),
  );
  const places = new Map<string, string>();
  const executions = new Map<string, (string | number)[]>();
  for (const { place, attempts } of told) {
    const place_json = JSON.stringify(place);
    const hash = createHash('sha256').update(place_json).digest('base64url');
    for (const reference of attempts) {
      if (proof(reference) === null) continue;
      const { job_id, attempt, rank, token: _, ...own } = reference;
      places.set(hash, place_json);
      const id = `${job_id}.${attempt}.${rank}`;
      if (!executions.has(id)) executions.set(id, [job_id, attempt, rank, hash, JSON.stringify(own)]);
    }
  }
  const { places: insertPlaces, executions: insertExecutions } = statements[tx.sql.dialect];
  // Sorted, so that two servers never wait for each other.
  const sorted = [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map((place) => [...place]);
  sendSets(tx.sql, [[insertPlaces, sorted]]);
  sendSets(tx.sql, [[insertExecutions, [...executions.values()]]]);
}

export async function findExecution(reader: Pick<Reader, 'sql'>, { job_id, attempt, rank }: AttemptName): Promise<Execution | null> {
  const [row] = await reader.sql.all<{ place_json: string; own_json: string }>(
    `select place_json, own_json from execution join execution_place on execution_place.id = execution.place_id
     where job_id = ? and attempt = ? and rank = ?`,
    [job_id, attempt, rank],
  );
  if (row === undefined) return null;
  const place = JSON.parse(row.place_json) as ExecutionPlace;
  const own = JSON.parse(row.own_json) as OwnExecution;
  return { ...place, ...own, variables: { ...place.variables, ...own.variables } };
}
