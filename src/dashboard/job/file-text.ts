// The text of a file of a job: all of it, or the beginning of one that is too large to be shown.
import { useQuery, type UseQueryResult } from '@tanstack/react-query';

import type { ArtifactShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { api } from '../api.ts';
import type { JobKey } from '../queries.ts';
import { previewKind, type PreviewKind } from './preview-kind.ts';

export type TextKind = Exclude<PreviewKind, 'image'>;

const READ_BYTES: Record<TextKind, number> = {
  text: LIMITS.preview_text_bytes.value,
  table: LIMITS.preview_text_bytes.value,
  json: LIMITS.preview_tree_bytes.value,
  yaml: LIMITS.preview_yaml_bytes.value,
};

export interface FileText {
  readonly text: UseQueryResult<string>;
  /** As what it can be shown. */
  readonly kind: TextKind;
  readonly isWhole: boolean;
  /** Bytes that are shown. */
  readonly read: number;
}

export function useFileText(job: JobKey, file: ArtifactShape): FileText {
  const found = previewKind(file) ?? 'text';
  const kind = found === 'image' ? 'text' : found;
  const isWhole = file.size_bytes <= READ_BYTES[kind];
  const read = isWhole ? file.size_bytes : LIMITS.preview_text_bytes.value;
  const text = useQuery({
    queryKey: ['preview', job.experiment, job.number, file.id],
    queryFn: async ({ signal }) => {
      const reply = await api.results.download(
        { params: { ...job, name: file.name }, query: { version: file.version, kind: file.kind } },
        { signal, ...(isWhole ? {} : { headers: { range: `bytes=0-${read - 1}` } }) },
      );
      return reply.text();
    },
    staleTime: Infinity,
  });
  return { text, kind, isWhole, read };
}
