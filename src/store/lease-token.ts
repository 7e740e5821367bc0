// A lease token proves the right to write for one rank of one attempt. It is made from the server's key, so nothing secret is
// stored, and a server that was restored from a backup still recognises attempts that the backup does not know.
import { randomBytes } from 'node:crypto';

import { sameText } from '../runtime/ids.ts';

import type { ServerKey } from './server-key.ts';

export interface TokenSubject {
  readonly job_id: number;
  /** Tells a job from another one that got the same id after a restore. */
  readonly created_at: number;
  readonly attempt: number;
  readonly rank: number;
}

const NONCE_BYTES = 6;
const NONCE_CHARACTERS = 8;
const NO_BYTES = Buffer.alloc(0);

/** Random bytes that were drawn and not used, by key: one draw serves many leases. */
const drawn = new WeakMap<ServerKey, Buffer>();

/** 48 random bits that tell two grants of the same attempt apart (possible only after a restore). */
export function newNonce(key: ServerKey): string {
  let bytes = drawn.get(key) ?? NO_BYTES;
  if (bytes.length < NONCE_BYTES) bytes = randomBytes(NONCE_BYTES * 512);
  drawn.set(key, bytes.subarray(NONCE_BYTES));
  return bytes.subarray(0, NONCE_BYTES).toString('base64url');
}

export function leaseToken(key: ServerKey, subject: TokenSubject, nonce: string): string {
  return nonce + key.sign(messageOf(subject, nonce));
}

function messageOf(subject: TokenSubject, nonce: string): string {
  return `${subject.job_id}.${subject.created_at}.${subject.attempt}.${subject.rank}.${nonce}`;
}

/** The token's nonce when the token is genuine for this subject, else null. */
export function verifiedNonce(key: ServerKey, subject: TokenSubject, token: string): string | null {
  const nonce = token.slice(0, NONCE_CHARACTERS);
  if (nonce.length !== NONCE_CHARACTERS) return null;
  return sameText(nonce + key.sign(messageOf(subject, nonce)), token) ? nonce : null;
}

/** `jdt_<job>.<attempt>.<rank>.<token>`: what a job carries as JD_WORKER_TOKEN. */
export function parseAttemptToken(text: string): { job_id: number; attempt: number; rank: number; token: string } | null {
  const match = /^jdt_(\d{1,15})\.(\d{1,9})\.(\d{1,6})\.([A-Za-z0-9_-]{10,60})$/.exec(text);
  if (match === null) return null;
  return { job_id: Number(match[1]), attempt: Number(match[2]), rank: Number(match[3]), token: match[4]! };
}
