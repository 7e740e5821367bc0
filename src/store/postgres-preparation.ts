// Which statements the writing connection keeps prepared: to parse and plan one takes PostgreSQL several times as long as to run it.
import type { Clock } from '../runtime/clock.ts';

import { numberedPlaceholders } from './sql.ts';

/** Texts that are known by how often they came. */
const KEPT_TEXTS = 1_000;
/** Statements kept prepared; when they are so many, the connection is renewed and begins anew, because few of them can still be in use. */
const PREPARED_STATEMENTS = 300;
/** A plan is made for tables as they are, and a table that was empty may have a million rows some seconds later. */
const PLAN_LIFE_MS = 1_000;
/** A table was changed under a prepared statement (by a newer server), or the connection lost it. */
const OUTDATED_CODES: readonly unknown[] = ['0A000', '26000'];

interface KnownText {
  /** With numbered placeholders. */
  readonly text: string;
  name?: string;
}

export interface Preparation {
  /** What to send for a text: from its second use on it has a name, under which PostgreSQL keeps it. */
  statement(text: string): { text: string; name?: string };
  noticeFailure(code: unknown): void;
  /** Whether the connection must be renewed; everything prepared is forgotten then. */
  isOutdated(): boolean;
  plansAreOld(): boolean;
}

export function preparation(clock: Clock): Preparation {
  const known = new Map<string, KnownText>();
  let names = 0;
  let serial = 0;
  let outdated = false;
  let planned = clock.monotonic();

  /** Those that came once are forgotten; a name never, as long as its connection lives. */
  function makeRoom(): void {
    for (const [text, { name }] of known) if (name === undefined) known.delete(text);
  }

  return {
    statement(text) {
      const found = known.get(text);
      if (found === undefined) {
        if (known.size >= KEPT_TEXTS) makeRoom();
        const numbered = { text: numberedPlaceholders(text) };
        known.set(text, numbered);
        return numbered;
      }
      if (found.name === undefined && names < PREPARED_STATEMENTS) {
        names += 1;
        serial += 1;
        found.name = `drover_${serial}`;
      }
      return found;
    },
    noticeFailure(code) {
      outdated ||= OUTDATED_CODES.includes(code);
    },
    isOutdated() {
      if (!outdated && names < PREPARED_STATEMENTS) return false;
      known.clear();
      names = 0;
      outdated = false;
      return true;
    },
    plansAreOld() {
      if (clock.monotonic() - planned < PLAN_LIFE_MS) return false;
      planned = clock.monotonic();
      return true;
    },
  };
}
