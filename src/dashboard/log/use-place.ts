// Which line of a log the reader is led to: the match that is stepped to, else the one that the address is about.
import { useCallback, useEffect, useMemo, useRef } from 'react';

import type { LogLine } from './log-lines.ts';
import type { LogPlace, LogView } from './use-log.ts';

interface Places {
  readonly log: LogView;
  readonly match: LogPlace | null;
  readonly line: LogPlace | null;
  readonly setLine: (line: LogPlace | null) => void;
  /** Called when the reader is led away from the end. */
  readonly stay: () => void;
}

export function usePlace({ log, match, line, setLine, stay }: Places) {
  const target = match ?? line;
  // Stands for the target, which may be a new object each time.
  const at = target === null ? null : `${target.stream}.${target.offset}`;
  const latest = useRef({ target, line, setLine, stay });
  useEffect(() => {
    latest.current = { target, line, setLine, stay };
  });
  // Only a change of the target moves the reader: lines that arrive, or that are loaded, do not.
  const reached = useRef<string | null>(null);
  const { jump, pending, lines } = log;
  useEffect(() => {
    // Where things stand in the log is known only when it is there.
    if (at === null || pending || reached.current === at) return;
    reached.current = at;
    latest.current.stay();
    jump(latest.current.target!);
  }, [at, jump, pending]);
  // oxlint-disable-next-line react/exhaustive-deps -- see `at`
  const current = useMemo(() => (target === null ? null : lineAt(lines, target)), [lines, at]);
  /** Makes the address one of this line, or of none. The same function for ever, so that lines are not drawn anew. */
  const onLine = useCallback((chosen: LogPlace) => {
    // It is in sight already.
    reached.current = `${chosen.stream}.${chosen.offset}`;
    latest.current.stay();
    latest.current.setLine(isSame(chosen, latest.current.line) ? null : chosen);
  }, []);
  const forget = (): void => {
    reached.current = null;
  };
  return { current, onLine, forget };
}

export function isSame(a: LogPlace, b: LogPlace | null): boolean {
  return b !== null && a.stream === b.stream && a.offset === b.offset;
}

/** Number of the line that holds this place; null when it is not loaded. */
function lineAt(lines: readonly LogLine[], { stream, offset }: LogPlace): number | null {
  const index = lines.findIndex((line) => line.stream === stream && line.offset <= offset && offset <= line.end);
  return index === -1 ? null : index;
}
