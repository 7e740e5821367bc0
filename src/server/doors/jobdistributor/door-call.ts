// A call at the door: its body, read as carefully as everywhere else, and its answers in the words of that protocol.
import type * as z from 'zod';

import { REFUSALS, type Refusal } from '../../../core/refusal.ts';
import { ApiCall } from '../../api-call.ts';
import type { Actor, NamedExperiment } from '../../context.ts';
import { invalidInput } from '../../invalid-input.ts';
import type { Api, AppContext } from '../../mount.ts';
import { parseQuery } from '../../query-string.ts';
import { parseJson, readBody, refuseLossy, refuseUnsafe } from '../../request-body.ts';

import type { Gate } from './caller.ts';

export interface DoorCall {
  readonly api: Api;
  readonly c: AppContext;
  readonly gate: Gate;
  readonly request_id: string;
}

export async function readJson<Schema extends z.ZodType>({ api, c }: DoorCall, schema: Schema, strict = false): Promise<z.output<Schema>> {
  const text = await readBody({ request: c.req.raw, incoming: c.env?.incoming, clock: api.context.clock });
  const value = text === '' ? {} : parseJson(text);
  refuseUnsafe(text, value);
  if (strict) refuseLossy(text);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(result.error, 'body');
}

export function readQuery<Schema extends z.ZodType>({ c }: DoorCall, schema: Schema): z.output<Schema> {
  const result = schema.safeParse({ ...parseQuery(c.req.url) });
  if (result.success) return result.data;
  throw invalidInput(result.error, 'query');
}

/** The call as our own handlers see it. */
export function ownCall({ api, c, request_id }: DoorCall, actor: Actor, experiment: NamedExperiment | null): ApiCall {
  return new ApiCall({ context: api.context, actor, request: c.req.raw, request_id, bindings: c.env, proxies: api.proxies }, experiment);
}

/** Such clients know few statuses: what is wrong with the request, or comes too late, is 400. */
export function statusOf(refusal: Refusal): number {
  const { status } = REFUSALS[refusal.code];
  if (refusal.code === 'experiment_exists') return 409;
  return status === 409 || status === 422 ? 400 : status;
}
