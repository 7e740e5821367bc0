// Refusals on the wire: problem JSON after RFC 9457, with Drover's `code` and `retryable`.
import * as z from 'zod';

import { REFUSALS, type Refusal, type RefusalCode } from '../core/refusal.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  retryable: z.boolean(),
  detail: z.string().describe('one sentence that says what to do'),
  request_id: z.string().optional(),
});

export type ProblemShape = z.output<typeof Problem>;

export function toProblem(refusal: Refusal, requestId?: string): ProblemShape {
  const { status, retryable, title } = REFUSALS[refusal.code];
  return {
    type: `urn:drover:${refusal.code}`,
    title,
    status,
    code: refusal.code,
    retryable,
    detail: refusal.message,
    ...(Object.keys(refusal.details).length > 0 ? { details: refusal.details } : {}),
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

/** A refusal as a client sees it. `status` is 0 when no reply came at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: RefusalCode | 'unreachable' | 'unexpected_reply';
  readonly retryable: boolean;
  readonly problem: ProblemShape | null;
  /** Seconds that the server asked to wait before another try. */
  readonly retry_after_seconds: number | null;

  constructor(fields: {
    status: number;
    code: ApiError['code'];
    retryable: boolean;
    message: string;
    problem?: ProblemShape;
    retry_after_seconds?: number | null;
  }) {
    super(fields.message);
    this.name = 'ApiError';
    this.status = fields.status;
    this.code = fields.code;
    this.retryable = fields.retryable;
    this.problem = fields.problem ?? null;
    this.retry_after_seconds = fields.retry_after_seconds ?? null;
  }
}

/** Reads the body of a failed reply; anything that is not problem JSON becomes `unexpected_reply`. */
export function readProblem(status: number, body: string, retryAfter: string | null): ApiError {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  const parsed = Problem.safeParse(tryJson(body));
  if (parsed.success && Object.hasOwn(REFUSALS, parsed.data.code)) {
    return new ApiError({
      status,
      code: parsed.data.code as RefusalCode,
      retryable: parsed.data.retryable,
      message: parsed.data.detail,
      problem: parsed.data,
      retry_after_seconds: seconds,
    });
  }
  const retryable = status >= 500 || status === 429 || status === 408;
  const shown = body.slice(0, 200).replace(/\s+/g, ' ');
  return new ApiError({ status, code: 'unexpected_reply', retryable, message: `The server answered ${status}: ${shown}`, retry_after_seconds: seconds });
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
