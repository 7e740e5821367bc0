// The server, as this page calls it: the typed client of the contract with the browser's fetch and session cookie.
import { ApiError, contract, createClient } from '../contract/index.ts';
import { forgetEarly, takeEarly } from './early.ts';
import type { NamedJobs } from './jobs/selection.ts';
import { noteServerDate } from './server-clock.ts';

/** Proves to the server that a write comes from a page of its own: other sites cannot set it. */
const CSRF_HEADER = { 'drover-csrf': '1' };

export const api = createClient<Response>(contract, {
  base_url: '',
  headers: CSRF_HEADER,
  fetch: async (url, request) => {
    if (request.method !== 'GET') forgetEarly();
    const early = request.method === 'GET' ? takeEarly(url) : null;
    const reply = await (early ?? fetch(url, { ...(request as RequestInit), credentials: 'same-origin' }));
    noteServerDate(reply.headers.get('date'));
    return reply;
  },
});

/** Made without `crypto.randomUUID`, which browsers keep from pages served over plain HTTP. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What went wrong, in one sentence for a person. */
export function errorSentence(error: unknown): string {
  if (error instanceof ApiError && error.code === 'unreachable') return 'The server does not answer. Is it running, and can this browser reach it?';
  return error instanceof Error ? error.message : String(error);
}

export function isTooMany(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'too_many';
}

/** The address names a page that the server did not give out, or gave out for another order. */
export function isForeignCursor(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.code !== 'invalid_input') return false;
  const { fields } = (error.problem?.['details'] ?? {}) as { readonly fields?: unknown };
  return Array.isArray(fields) && fields.some((field: { readonly path?: unknown } | null) => field?.path === 'cursor');
}

export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'unauthenticated';
}

function jobPath(experiment: string, number: number): string {
  return `/api/v1/experiments/${encodeURIComponent(experiment)}/jobs/${number}`;
}

/** Where the browser downloads a whole log, byte for byte. */
export function logUrl(log: { experiment: string; number: number; attempt: number; stream: 'stdout' | 'stderr' }): string {
  return `${jobPath(log.experiment, log.number)}/log?attempt=${log.attempt}&stream=${log.stream}`;
}

export function artifactUrl(file: { experiment: string; number: number; name: string; version: number; kind: 'artifact' | 'checkpoint' }): string {
  return `${jobPath(file.experiment, file.number)}/artifacts/${encodeURIComponent(file.name)}?version=${file.version}&kind=${file.kind}`;
}

export interface ExportRequest {
  readonly experiment: string;
  readonly filter: NamedJobs;
  readonly metrics: readonly string[];
  readonly format: 'csv' | 'jsonl';
}

/** Where the browser downloads jobs as a file. A CSV gets the mark by which spreadsheets know its encoding. */
export function exportUrl({ experiment, filter, metrics, format }: ExportRequest): string {
  const query = new URLSearchParams({ format, ...(format === 'csv' ? { mark: 'true' } : {}) });
  for (const [name, value] of Object.entries(filter)) query.set(name, String(value));
  for (const name of metrics) query.append('metric', name);
  return `/api/v1/experiments/${encodeURIComponent(experiment)}/export?${query.toString()}`;
}
