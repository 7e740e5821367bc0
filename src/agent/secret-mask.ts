// Hides the values of secrets in what a job prints: each byte of each occurrence becomes `*`, so that lengths and offsets stay. What is hidden does
// not depend on how the bytes were cut into pieces. (An Aho-Corasick automaton: one look at each byte, whatever the number of secrets.)
import { LIMITS } from '../core/limits.ts';

export interface SecretMask {
  /** Bytes of the longest form: what lies further apart does not concern one another. */
  readonly longest: number;
  stream(): MaskedStream;
  text(text: string): string;
}

/** Gives back in order all that it was given, masked, and keeps only what may be the beginning of a secret. */
export interface MaskedStream {
  push(bytes: Uint8Array): Buffer;
  /** What is kept, as it is: nothing follows, or has not for long. More may still be pushed. */
  release(): Buffer;
}

const STAR = 0x2a;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Null when there is nothing to hide: very short values would make every log unreadable. */
export function createSecretMask(secrets: Readonly<Record<string, string>>): SecretMask | null {
  const forms = [...new Set(Object.values(secrets).flatMap(formsOf))].map((form) => Buffer.from(form));
  if (forms.length === 0) return null;
  const automaton = build(forms);
  const stream = (): MaskedStream => new Masking(automaton);
  return { longest: Math.max(...forms.map((form) => form.length)), stream, text: (text) => masked(stream(), text) };
}

/** For the output of a job whose secrets cannot be read any more: nothing but its shape. */
export const MASK_ALL: SecretMask = {
  longest: 0,
  stream: () => ({ push: (bytes) => Buffer.from(bytes).map((byte) => (byte === NEWLINE ? byte : STAR)) as Buffer, release: () => NOTHING }),
  text: (text) => text.replaceAll(/[^\n]/gu, '*'),
};

/** The value, and each of its lines: programs print lines, indent them, and end them in their own way. */
function formsOf(value: string): string[] {
  const lines = value.split(/\r\n|\r|\n/).map((line) => line.trim());
  return [value, ...lines].filter((form) => Buffer.byteLength(form) >= LIMITS.masked_bytes.value);
}

function masked(stream: MaskedStream, text: string): string {
  return Buffer.concat([stream.push(Buffer.from(text)), stream.release()]).toString();
}

export interface MaskedPiece {
  /** Some of a file: `before` bytes of context, then those that are wanted, then more if there are more. */
  readonly bytes: Uint8Array;
  readonly before: number;
  readonly wanted: number;
  /** Nothing follows these bytes. */
  readonly is_end: boolean;
}

/** The wanted bytes, masked; fewer when their end may be the beginning of a secret that goes on. */
export function maskPiece(mask: SecretMask, { bytes, before, wanted, is_end }: MaskedPiece): Buffer {
  const stream = mask.stream();
  const known = stream.push(bytes);
  const all = is_end ? Buffer.concat([known, stream.release()]) : known;
  return all.subarray(before, before + wanted);
}

interface Automaton {
  /** Next state from the first one, by byte; 0: stay. */
  readonly first: Int32Array;
  /** Next state by `state * 256 + byte`. */
  readonly next: ReadonlyMap<number, number>;
  /** Where to go on when a byte does not fit: the state of the longest end of the text that begins another form. */
  readonly fail: Int32Array;
  /** How many bytes of the text's end a state stands for. */
  readonly depth: Int32Array;
  /** Length of the longest form that ends in a state; 0: none. */
  readonly ends: Int32Array;
}

function build(forms: readonly Buffer[]): Automaton {
  const most = forms.reduce((sum, form) => sum + form.length, 1);
  const next = new Map<number, number>();
  const [fail, depth, ends] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
  /** In the order in which they were made: a state comes after the one that leads to it. */
  const edges: { readonly from: number; readonly byte: number; readonly to: number }[] = [];
  for (const form of forms) {
    let state = 0;
    for (const byte of form) {
      const key = state * 256 + byte;
      let to = next.get(key);
      if (to === undefined) {
        to = edges.length + 1;
        next.set(key, to);
        edges.push({ from: state, byte, to });
        depth[to] = depth[state]! + 1;
      }
      state = to;
    }
    ends[state] = form.length;
  }
  const first = new Int32Array(256);
  for (const { from, byte, to } of edges) if (from === 0) first[byte] = to;
  const automaton = { first, next, fail, depth, ends };
  // Shorter ones first: what a state falls back to is shorter than itself.
  for (const { from, byte, to } of edges.toSorted((a, b) => depth[a.to]! - depth[b.to]!)) {
    fail[to] = from === 0 ? 0 : step(automaton, fail[from]!, byte);
    if (ends[to] === 0) ends[to] = ends[fail[to]]!;
  }
  return automaton;
}

function step({ first, next, fail }: Automaton, from: number, byte: number): number {
  let state = from;
  while (state !== 0) {
    const to = next.get(state * 256 + byte);
    if (to !== undefined) return to;
    state = fail[state]!;
  }
  return first[byte]!;
}

class Masking implements MaskedStream {
  readonly #automaton: Automaton;
  #state = 0;
  #kept: Buffer = NOTHING;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
  }

  push(bytes: Uint8Array): Buffer {
    const automaton = this.#automaton;
    const { ends, depth } = automaton;
    const work = Buffer.concat([this.#kept, bytes]);
    let state = this.#state;
    // Where the newest stretch that is hidden begins and ends.
    let [from, to] = [0, 0];
    for (let at = this.#kept.length; at < work.length; at += 1) {
      state = step(automaton, state, work[at]!);
      const length = ends[state]!;
      if (length === 0) continue;
      const start = Math.max(0, at + 1 - length);
      // Not again what is hidden already, or a secret of one letter would take its length for each byte.
      if (start >= from) work.fill(STAR, Math.max(start, to), at + 1);
      else work.fill(STAR, start, from).fill(STAR, to, at + 1);
      from = start > to ? start : Math.min(from, start);
      to = at + 1;
    }
    this.#state = state;
    const end = Math.max(0, work.length - depth[state]!);
    this.#kept = work.subarray(end);
    return work.subarray(0, end);
  }

  release(): Buffer {
    const kept = this.#kept;
    this.#kept = NOTHING;
    return kept;
  }
}
