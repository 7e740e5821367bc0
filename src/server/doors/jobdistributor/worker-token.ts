// The token of a client of JobDistributor: a JWT, because such a client reads it as one. One form and one algorithm only, made and read here and nowhere else.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import * as z from 'zod';

import type { ServerKey } from '../../../store/server-key.ts';

const Claims = z.strictObject({
  sub: z.literal('worker'),
  exp_id: z.int().positive(),
  exp_name: z.string().max(60),
  /** Of the API key that it was made for. */
  user_id: z.int().positive(),
  jti: z.uuid(),
  /** Seconds. */
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
});

export type WorkerClaims = z.output<typeof Claims>;

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const FORM = /^([A-Za-z0-9_-]{1,200})\.([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{43})$/;

export interface NewToken {
  readonly experiment: { readonly id: number; readonly name: string };
  readonly key_id: number;
  /** Seconds. */
  readonly now: number;
  readonly life: number;
}

export function makeWorkerToken(key: ServerKey, { experiment, key_id, now, life }: NewToken): string {
  const claims: WorkerClaims = {
    ...{ sub: 'worker', exp_id: experiment.id, exp_name: experiment.name, user_id: key_id, jti: randomUuid(), iat: now, exp: now + life },
  };
  const signed = `${HEADER}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${signed}.${signature(key, signed).toString('base64url')}`;
}

/** Version 4: what such clients expect. */
function randomUuid(): string {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Null for whatever this server did not make just so, and for what has ended. */
export function readWorkerToken(key: ServerKey, token: string, now: number): WorkerClaims | null {
  const match = FORM.exec(token);
  if (match === null || match[1] !== HEADER) return null;
  const given = Buffer.from(match[3]!, 'base64url');
  const right = signature(key, `${match[1]}.${match[2]!}`);
  // The last character of a signature has bits that say nothing: only one way to write it is taken.
  if (given.length !== right.length || !timingSafeEqual(given, right) || given.toString('base64url') !== match[3]) return null;
  const claims = Claims.safeParse(parsed(match[2]!));
  return claims.success && claims.data.exp > now ? claims.data : null;
}

function parsed(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

const keys = new WeakMap<ServerKey, Buffer>();

function signature(key: ServerKey, text: string): Buffer {
  let secret = keys.get(key);
  if (secret === undefined) keys.set(key, (secret = key.derive('drover worker tokens of the jobdistributor door')));
  return createHmac('sha256', secret).update(text).digest();
}
