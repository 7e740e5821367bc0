// What a thrown thing means to the caller: a refusal as it is, an operating fault as a code that says whether to try again,
// everything else as a mistake of the server.
import { Refusal } from '../core/refusal.ts';

const DISK_FULL = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT', '53100']);

/** Also PostgreSQL's classes 08 (connection), 53 (resources), 57P (shutting down) and 40 (lost against another transaction). */
const AWAY = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_CANTOPEN', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EMFILE', 'ENFILE']);
const AWAY_CLASS = /^(08|53|57P|40)/;
/** Faults that reach us without a code: from the reading threads, from a pool, from a store that closes. */
const AWAY_MESSAGE =
  /database is (locked|busy)|connection (terminated|ended)|connection error and is not queryable|the store is closed|timeout exceeded when trying to connect/i;
const FULL_MESSAGE = /database or disk is full|no space left on device/i;

export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  if (DISK_FULL.has(code) || FULL_MESSAGE.test(message)) {
    return new Refusal('disk_full', 'The server has no disk space left; nothing was stored. Free some space on the server, then try again.');
  }
  if (AWAY.has(code) || (code.length === 5 && AWAY_CLASS.test(code)) || AWAY_MESSAGE.test(message)) {
    return new Refusal('unavailable', 'The database does not answer now. Try again in a moment.', { retry_after_seconds: 2 });
  }
  return new Refusal('internal', 'The server made a mistake. Its log has more under this request id; trying again may help.');
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  // SQLite's extended codes begin with the plain one: SQLITE_BUSY_SNAPSHOT.
  return typeof code === 'string' ? code.replace(/^(SQLITE_[A-Z]+)_.*$/, '$1') : '';
}
