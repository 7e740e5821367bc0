// A refusal: the domain says no. The codes are a closed table; clients act on `code` and `retryable`, never on the text.

export interface RefusalKind {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
}

export const REFUSALS = {
  invalid_input: kind(422, 'The request is not as it should be'),
  malformed_json: kind(400, 'The body is not JSON'),
  unauthenticated: kind(401, 'Who are you?'),
  forbidden: kind(403, 'Not allowed'),
  csrf: kind(403, 'This write did not come from the dashboard'),
  not_found: kind(404, 'There is no such thing'),
  experiment_not_found: kind(404, 'There is no such experiment'),
  job_not_found: kind(404, 'There is no such job'),
  artifact_not_found: kind(404, 'There is no such file'),
  experiment_exists: kind(409, 'An experiment of this name exists'),
  view_exists: kind(409, 'A view of this name exists'),
  experiment_busy: kind(409, 'The experiment has running jobs'),
  job_not_pending: kind(409, 'The job is not pending'),
  job_ended: kind(409, 'The job has ended'),
  job_not_ended: kind(409, 'The job has not ended'),
  machine_has_agent: kind(409, 'An agent runs on this machine'),
  lease_lost: kind(409, 'This attempt no longer speaks for the job'),
  stale_sync: kind(409, 'A newer sync of this agent was seen'),
  agent_superseded: kind(409, 'Another process took over this agent'),
  agent_revoked: kind(403, 'This agent was revoked'),
  idempotency_mismatch: kind(409, 'The idempotency key was used for something else'),
  too_many: kind(422, 'A limit is exceeded'),
  too_large: kind(413, 'Too large'),
  too_slow: kind(408, 'The upload is too slow', true),
  rate_limited: kind(429, 'Too many tries', true),
  wrong_pin: kind(401, 'Wrong PIN'),
  range_not_satisfiable: kind(416, 'The file has no such range'),
  version_mismatch: kind(426, 'Agent and server are too far apart'),
  disk_full: kind(507, 'The server has no space left', true),
  unavailable: kind(503, 'The server cannot answer now', true),
  internal: kind(500, 'The server made a mistake', true),
} as const satisfies Record<string, RefusalKind>;

export type RefusalCode = keyof typeof REFUSALS;

/** Thrown by handlers and the store before anything is written; the rim turns it into problem JSON (RFC 9457). */
export class Refusal extends Error {
  readonly code: RefusalCode;
  /** More for machines: field errors, counts. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, sentence: string, details: Readonly<Record<string, unknown>> = {}) {
    super(sentence);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }
}

function kind(status: number, title: string, retryable = false): RefusalKind {
  return { status, retryable, title };
}
