// One log per worker: what its agent says of it, what concerns the agent as a whole, and what its jobs print.
// Lines are `<time>  <LEVEL>  <text>`; those of a job have OUT or ERR for a level.
import { toIso } from '../runtime/clock.ts';
import { entryText, logLine, type LogEntry } from '../runtime/log.ts';

export interface PrintedLine {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface WorkerLogs {
  /** A line of the agent's log, as JSON. */
  write(line: string): void;
  print(workerId: string, printed: PrintedLine): void;
}

export interface WorkerLogParts {
  /** By worker id. */
  readonly paths: ReadonlyMap<string, string>;
  readonly append: (path: string, text: string) => void;
  /** A terminal that shows them all. */
  readonly mirror?: (text: string) => void;
}

export function createWorkerLogs({ paths, append, mirror }: WorkerLogParts): WorkerLogs {
  return {
    write(line) {
      const entry = JSON.parse(line) as LogEntry;
      const { worker } = entry;
      const text = entryText(entry);
      const path = typeof worker === 'string' ? paths.get(worker) : undefined;
      if (path !== undefined) append(path, text);
      else for (const each of paths.values()) append(each, text);
      mirror?.(text);
    },
    print(workerId, { stream, line, at }) {
      const level = stream === 'stdout' ? 'OUT' : 'ERR';
      const path = paths.get(workerId);
      if (path !== undefined) append(path, logLine(toIso(at), level, line));
      mirror?.(logLine(toIso(at), level, paths.size > 1 ? `${workerId}: ${line}` : line));
    },
  };
}
