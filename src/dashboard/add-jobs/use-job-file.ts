// The file that jobs are read from: chosen or dropped, read in pieces, forgotten with the dialog.
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { toastError } from '../components/toast.ts';
import { readJobFile, type JobFile } from './job-file.ts';

export interface ChosenFile {
  readonly file: JobFile | null;
  readonly reading: boolean;
  readonly read: (file: File) => void;
  readonly clear: () => void;
}

/** Of several files that were chosen after one another, the last one counts. */
export function useJobFile(): ChosenFile {
  const { data, isPending, mutate, reset } = useMutation({
    mutationFn: (file: File) => readJobFile(file, () => new Promise((resolve) => setTimeout(resolve))),
    onError: toastError,
  });
  return { file: data ?? null, reading: isPending, read: mutate, clear: reset };
}

/** A file that is dropped anywhere on the page; whether one is held over it. Null: nothing is taken. */
export function useFileDrop(take: ((file: File) => void) | null): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  const active = take !== null;
  useEffect(() => {
    if (!active) return;
    let depth = 0;
    const isFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const move = (event: DragEvent): void => {
      if (!isFile(event)) return;
      // Else the browser would leave the page for the file.
      event.preventDefault();
      if (event.type === 'dragenter') depth += 1;
      if (event.type === 'dragleave') depth -= 1;
      setOver(depth > 0);
    };
    const drop = (event: DragEvent): void => {
      if (!isFile(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (file !== undefined) latest.current?.(file);
    };
    const events = ['dragenter', 'dragover', 'dragleave'] as const;
    for (const name of events) document.addEventListener(name, move);
    document.addEventListener('drop', drop);
    return () => {
      for (const name of events) document.removeEventListener(name, move);
      document.removeEventListener('drop', drop);
    };
  }, [active]);
  return over;
}
