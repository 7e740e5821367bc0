// Replies that are bytes: ranges, names, and headers that keep a browser from running what a job wrote.
import { PROBLEM_TYPE, toProblem } from '../contract/index.ts';
import { Refusal } from '../core/refusal.ts';
import type { ArtifactRecord } from '../store/artifacts.ts';
import type { Blobs } from '../store/blobs.ts';

import type { Call } from './context.ts';

/** Whatever a job wrote is shown as what it is or saved, never run. */
export const HARMLESS = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" } as const;

const TEXT = 'text/plain; charset=utf-8';

/** Everything else is bytes. */
const TYPES: Readonly<Record<string, string>> = {
  txt: TEXT,
  log: TEXT,
  out: TEXT,
  err: TEXT,
  csv: TEXT,
  tsv: TEXT,
  md: TEXT,
  py: TEXT,
  yaml: TEXT,
  yml: TEXT,
  toml: TEXT,
  ini: TEXT,
  jsonl: TEXT,
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

export interface ByteRange {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
}

/** Null when there is no range that this server serves: then the whole is the answer. Several ranges at once are not served. */
export function parseRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | null {
  const match = header === null ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') {
    const last = Number(match[2]);
    return last === 0 || size === 0 ? 'unsatisfiable' : { from: Math.max(0, size - last), to: size };
  }
  const from = Number(match[1]);
  const to = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  if (match[2] !== '' && Number(match[2]) < from) return null;
  return from >= size ? 'unsatisfiable' : { from, to };
}

/** `attachment` with a plain name for old clients and the true one (RFC 6266, RFC 8187). */
export function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(name).replace(/['()*!]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

function contentType(name: string): string {
  const extension = /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase();
  return (extension === undefined ? undefined : TYPES[extension]) ?? 'application/octet-stream';
}

/** A file as a download: whole, in part, or not at all when the client has it. */
export function fileResponse(call: Call, blobs: Blobs, file: ArtifactRecord): Response {
  const { size_bytes: size } = file;
  const etag = `"${file.sha256}"`;
  const headers: Record<string, string> = {
    ...HARMLESS,
    'content-type': contentType(file.name),
    'content-disposition': attachment(file.name),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    etag,
  };
  const { headers: asked } = call.request;
  if (knows(asked.get('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  const ifRange = asked.get('if-range');
  const range = ifRange === null || ifRange === etag ? parseRange(asked.get('range'), size) : null;
  if (range === 'unsatisfiable') return rangeRefused(call, size);
  const body = byteStream(() => (size === 0 ? [] : blobs.read(file.blob_key, range ?? { from: 0, to: size })));
  if (range === null) return new Response(body, { headers: { ...headers, 'content-length': String(size) } });
  const part = { 'content-range': `bytes ${range.from}-${range.to - 1}/${size}`, 'content-length': String(range.to - range.from) };
  return new Response(body, { status: 206, headers: { ...headers, ...part } });
}

function knows(header: string | null, etag: string): boolean {
  return header !== null && header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}

/** The refusal with the size that the client must know to ask better. */
export function rangeRefused(call: Call, size: number): Response {
  const refusal = new Refusal('range_not_satisfiable', `The file has ${size} bytes; ask for a range within them.`, { size_bytes: size });
  return new Response(JSON.stringify(toProblem(refusal, call.request_id)), {
    status: 416,
    headers: { 'content-type': PROBLEM_TYPE, 'content-range': `bytes */${size}` },
  });
}

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Reads the source as fast as the client takes it. When the client goes, `signal` is aborted and the source is closed. */
export function byteStream(open: (signal: AbortSignal) => Bytes): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  let source: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        source ??= begin(open(gone.signal));
        const next = await source.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        gone.abort();
        await source?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function begin(bytes: Bytes): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  return Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : bytes[Symbol.iterator]();
}
