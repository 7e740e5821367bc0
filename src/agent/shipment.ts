// Sends pieces of many attempts in one request; when the server refuses it, finds out whose piece it does not want.
import { ApiError } from '../contract/index.ts';
import type { Spool } from './spool.ts';

/** A server that does not get on with a stream is asked again later, not at once. */
export const STUCK_MS = 1_000;

export interface Piece<Item> {
  readonly spool: Spool;
  readonly item: Item;
}

export interface Refusals {
  /** Data of this attempt is not wanted. */
  readonly onRefused: (spool: Spool, error: ApiError) => void;
  /** The server has no record of this attempt. */
  readonly onUnknown: (spool: Spool) => void;
  /** The job of this attempt was deleted. */
  readonly onDeleted: (spool: Spool) => void;
}

/** Refusals that are about the agent or the server, not about one attempt. */
const GENERAL = new Set<string>(['unauthenticated', 'forbidden', 'version_mismatch', 'unexpected_reply', 'agent_superseded', 'agent_revoked']);

export async function ship<Item>(pieces: readonly Piece<Item>[], send: (pieces: readonly Piece<Item>[]) => Promise<void>, refusals: Refusals): Promise<void> {
  try {
    await send(pieces);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const spools = new Set(pieces.map((piece) => piece.spool));
    for (const spool of spools) {
      const own = pieces.filter((piece) => piece.spool === spool);
      if (spools.size === 1) refusals.onRefused(spool, error);
      else await ship(own, send, refusals);
    }
  }
}

export function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && !error.retryable && !GENERAL.has(error.code);
}
