// The loaded part of one stream of one attempt: begins with the end of the log, grows both ways, and never beyond a bound. It can be put anywhere
// in the log; as long as it does not reach the end, what is written there waits.
import { api } from '../api.ts';
import { coloursAfter, holeLine, joinBytes, lineOf, runsOf, splitRun, type ByteRun, type Hole, type LogLine, type StreamName } from './log-lines.ts';

/** The first read aims at the last 1,000 lines. */
export const FIRST_BYTES = 160 * 1024;
const EARLIER_BYTES = 512 * 1024;
/** Around a place to which the reader jumps. */
const JUMP_BYTES = { before: 64 * 1024, after: 128 * 1024 };
const NEW_BYTES = 1024 * 1024;
/** Reads of new bytes in one refresh; a flood is caught up with over several. */
const MAX_READS = 8;
const MAX_LINES = 120_000;

export interface LogSource {
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
  readonly stream: StreamName;
}

export class StreamLog {
  readonly source: LogSource;
  /** Complete lines, oldest first; a new array with every change. */
  lines: readonly LogLine[] = [];
  /** The line that is still being written. */
  partial: LogLine | null = null;
  /** Where the loaded part begins; null before the first read. */
  start: number | null = null;
  end = 0;
  size = 0;
  live = true;
  private headRest: ByteRun = { from: 0, bytes: new Uint8Array() };
  private tailRest: ByteRun = { from: 0, bytes: new Uint8Array() };
  private tailColours = '';
  private apart = false;
  private busy: Promise<void> = Promise.resolve();

  constructor(source: LogSource) {
    this.source = source;
  }

  /** Whether more follows that is not loaded, other than what arrives. */
  get isApart(): boolean {
    return this.apart;
  }

  /** Reads what has arrived since; at first, the end of the log. */
  refresh(signal: AbortSignal): Promise<void> {
    return this.alone(async () => {
      if (this.start === null) await this.readFirst(signal);
      else if (this.apart) await this.read(this.end, 0, signal);
      else await this.readNew(signal);
    });
  }

  /** Whether the line that holds this offset is among those that are loaded. */
  holds(offset: number): boolean {
    return this.start !== null && offset >= this.start + this.headRest.bytes.length && offset < this.end;
  }

  /** Loads what stands around an offset instead of what is loaded. */
  jump(offset: number, signal: AbortSignal): Promise<void> {
    return this.alone(async () => {
      if (this.holds(offset)) return;
      const from = Math.max(0, offset - JUMP_BYTES.before);
      this.begin(await this.read(from, offset - from + JUMP_BYTES.after, signal));
    });
  }

  /** Loads the end instead of what is loaded. */
  toEnd(signal: AbortSignal): Promise<void> {
    return this.alone(async () => {
      if (this.apart) await this.readFirst(signal);
    });
  }

  readLater(signal: AbortSignal): Promise<void> {
    return this.alone(async () => {
      if (!this.apart) return;
      const read = await this.read(this.end, EARLIER_BYTES, signal);
      this.append(read.runs, read.end);
      this.apart = this.end < this.size;
    });
  }

  readEarlier(signal: AbortSignal): Promise<void> {
    return this.alone(() => this.readBefore(signal));
  }

  /** One read at a time, in the order asked for. */
  private alone(work: () => Promise<void>): Promise<void> {
    const next = this.busy.then(work);
    this.busy = next.catch(() => undefined);
    return next;
  }

  private async readFirst(signal: AbortSignal): Promise<void> {
    this.begin(await this.read(-FIRST_BYTES, FIRST_BYTES, signal));
  }

  /** What was read becomes all that is loaded. */
  private begin(read: Read): void {
    this.lines = [];
    this.start = read.from;
    this.end = read.from;
    this.headRest = { from: read.from, bytes: new Uint8Array() };
    this.tailRest = { from: read.from, bytes: new Uint8Array() };
    this.tailColours = '';
    if (read.from > 0) this.cutHead(read);
    else this.append(read.runs, read.end);
    this.apart = this.end < this.size;
  }

  /** The read began in the middle of a line: that part of a line waits until what stands before it is loaded. */
  private cutHead(read: Read): void {
    const first = read.runs[0];
    const newline = first?.bytes.indexOf(0x0a) ?? -1;
    if (first === undefined || newline === -1) {
      this.append(read.runs, read.end);
      return;
    }
    this.headRest = { from: first.from, bytes: first.bytes.slice(0, newline + 1) };
    this.end = first.from + newline + 1;
    this.tailRest = { from: this.end, bytes: new Uint8Array() };
    this.append([{ from: this.end, bytes: first.bytes.subarray(newline + 1) }, ...read.runs.slice(1)], read.end);
  }

  private async readNew(signal: AbortSignal): Promise<void> {
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const read = await this.read(this.end, NEW_BYTES, signal);
      if (read.end <= this.end) return;
      this.append(read.runs, read.end);
      if (this.end >= this.size) return;
    }
  }

  private async readBefore(signal: AbortSignal): Promise<void> {
    const start = this.start ?? 0;
    if (start === 0) return;
    const from = Math.max(0, start - EARLIER_BYTES);
    const read = await this.read(from, start - from, signal);
    const all = [...read.runs];
    const last = all.at(-1);
    if (this.headRest.bytes.length > 0) {
      if (last !== undefined && last.from + last.bytes.length === this.headRest.from)
        all[all.length - 1] = { from: last.from, bytes: joinBytes(last.bytes, this.headRest.bytes) };
      else all.push(this.headRest);
    }
    this.prepend(all, from, start);
  }

  private prepend(runs: readonly ByteRun[], from: number, oldStart: number): void {
    const lines: LogLine[] = [];
    let at = from;
    let colours = '';
    this.headRest = { from, bytes: new Uint8Array() };
    runs.forEach((run, index) => {
      if (run.from > at) lines.push(holeLine(this.source.stream, at, run.from));
      let rest = run;
      const newline = run.bytes.indexOf(0x0a);
      if (index === 0 && from > 0 && newline !== -1) {
        this.headRest = { from: run.from, bytes: run.bytes.slice(0, newline + 1) };
        rest = { from: run.from + newline + 1, bytes: run.bytes.subarray(newline + 1) };
      }
      const split = splitRun(this.source.stream, rest, colours);
      lines.push(...split.lines);
      if (split.rest.bytes.length > 0) lines.push(lineOf(this.source.stream, split.rest, split.colours));
      colours = split.colours;
      at = run.from + run.bytes.length;
    });
    if (at < oldStart) lines.push(holeLine(this.source.stream, at, oldStart));
    this.lines = this.forgetLater([...lines, ...this.lines]);
    this.start = from;
  }

  private forgetLater(lines: LogLine[]): LogLine[] {
    if (lines.length <= MAX_LINES) return lines;
    const kept = lines.slice(0, Math.floor(MAX_LINES * 0.75));
    this.end = lines[kept.length]!.offset;
    this.tailRest = { from: this.end, bytes: new Uint8Array() };
    this.tailColours = lines[kept.length]!.colours;
    this.partial = null;
    this.apart = true;
    return kept;
  }

  private append(runs: readonly ByteRun[], end: number): void {
    const lines = [...this.lines];
    for (const run of runs) {
      const tailEnd = this.tailRest.from + this.tailRest.bytes.length;
      if (run.from > tailEnd) this.endPartLine(lines, run.from);
      const joined = this.tailRest.bytes.length === 0 ? run : { from: this.tailRest.from, bytes: joinBytes(this.tailRest.bytes, run.bytes) };
      const split = splitRun(this.source.stream, joined, this.tailColours);
      for (const line of split.lines) lines.push(line);
      // A copy: the rest of a line must not keep a whole reply in memory.
      this.tailRest = { from: split.rest.from, bytes: split.rest.bytes.slice() };
      this.tailColours = split.colours;
    }
    const tailEnd = this.tailRest.from + this.tailRest.bytes.length;
    if (end > tailEnd) this.endPartLine(lines, end);
    this.end = end;
    this.lines = lines.length > MAX_LINES ? this.forget(lines) : lines;
    this.partial = this.tailRest.bytes.length === 0 ? null : lineOf(this.source.stream, this.tailRest, this.tailColours);
  }

  /** Bytes are missing from the tail up to `to`. */
  private endPartLine(lines: LogLine[], to: number): void {
    if (this.tailRest.bytes.length > 0) {
      const line = lineOf(this.source.stream, this.tailRest, this.tailColours);
      lines.push(line);
      this.tailColours = coloursAfter(line);
    }
    lines.push(holeLine(this.source.stream, this.tailRest.from + this.tailRest.bytes.length, to));
    this.tailRest = { from: to, bytes: new Uint8Array() };
  }

  private forget(lines: LogLine[]): LogLine[] {
    const kept = lines.slice(-Math.floor(MAX_LINES * 0.75));
    this.start = kept[0]!.offset;
    this.headRest = { from: this.start, bytes: new Uint8Array() };
    return kept;
  }

  private async read(from: number, length: number, signal: AbortSignal): Promise<Read> {
    const { experiment, number, attempt, stream } = this.source;
    const reply = await api.results.log({ params: { experiment, number }, query: { attempt, stream, from, length } }, { signal });
    const body = new Uint8Array(await reply.arrayBuffer());
    const begin = Number(reply.headers.get('drover-log-from') ?? Math.max(0, from));
    this.size = Number(reply.headers.get('drover-log-size') ?? begin + body.length);
    this.live = reply.headers.get('drover-log-live') === 'true';
    return { from: begin, ...runsOf(begin, body, readHoles(reply.headers.get('drover-log-holes'))) };
  }
}

interface Read {
  readonly from: number;
  readonly runs: readonly ByteRun[];
  readonly end: number;
}

function readHoles(header: string | null): Hole[] {
  return (header ?? '').split(',').flatMap((part) => {
    const match = /^\s*(\d+)-(\d+)\s*$/.exec(part);
    return match === null ? [] : [{ from: Number(match[1]), to: Number(match[2]) }];
  });
}
