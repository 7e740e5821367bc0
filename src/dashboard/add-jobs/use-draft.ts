// The draft of the dialog: one description of jobs, seen as a form, as JSON, or read from a file. What one view holds is taken over by the next.
import { useEffect, useRef, useState } from 'react';

import { planOfRows, planOfText, rowsOfMatrix, textOfMatrix, type FormRow, type Plan } from './draft.ts';
import { useJobFile, type ChosenFile } from './use-job-file.ts';

export type Mode = 'form' | 'json' | 'file';

export interface Draft {
  readonly mode: Mode;
  readonly change: (mode: Mode) => void;
  readonly rows: readonly FormRow[];
  readonly setRows: (rows: readonly FormRow[]) => void;
  readonly nextId: () => number;
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly chosen: ChosenFile;
  readonly plan: Plan;
}

/** More is not pleasant to edit. */
const MOST_TEXT = 200_000;

export function useDraft(begin: readonly FormRow[], dropped: File | null): Draft {
  const ids = useRef(begin.length);
  const nextId = (): number => (ids.current += 1);
  const [mode, setMode] = useState<Mode>(dropped === null ? 'form' : 'file');
  const [rows, setRows] = useState(begin);
  const [text, setText] = useState('');
  const chosen = useJobFile();
  const { read } = chosen;
  const [seen, setSeen] = useState(dropped);
  if (dropped !== seen) {
    setSeen(dropped);
    if (dropped !== null) setMode('file');
  }
  useEffect(() => {
    if (dropped !== null) read(dropped);
  }, [dropped, read]);
  const plan = planOf({ mode, rows, text, chosen });
  const change = (next: Mode): void => {
    if (next === 'json' && plan.kind === 'matrix') setText(textOfMatrix(plan.matrix));
    if (next === 'json' && plan.kind === 'list' && mode === 'file') {
      const list = `[\n${plan.jobs.map((params) => `  ${JSON.stringify(params)}`).join(',\n')}\n]`;
      if (list.length <= MOST_TEXT) setText(list);
    }
    if (next === 'form' && plan.kind === 'matrix') setRows(rowsOfMatrix(plan.matrix, nextId));
    setMode(next);
  };
  return { mode, change, rows, setRows, nextId, text, setText, chosen, plan };
}

function planOf({ mode, rows, text, chosen }: Pick<Draft, 'mode' | 'rows' | 'text' | 'chosen'>): Plan {
  switch (mode) {
    case 'form':
      return planOfRows(rows);
    case 'json':
      return planOfText(text);
    case 'file':
      return chosen.file?.plan ?? { kind: 'empty' };
  }
}
