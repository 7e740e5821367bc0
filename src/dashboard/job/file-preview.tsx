// A look into a file without downloading it: text, a table, or JSON set out in lines. Larger files are shown from their beginning.
import { Loader, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import type { ArtifactShape } from '../../contract/index.ts';
import { api } from '../api.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ErrorNotice } from '../components/states.tsx';
import type { JobKey } from '../queries.ts';
import { readTable } from './table-text.ts';

export type PreviewKind = 'text' | 'table' | 'json';

const PREVIEW_BYTES = 512 * 1024;
const MAX_ROWS = 200;

const KINDS: readonly (readonly [RegExp, PreviewKind])[] = [
  [/\.(csv|tsv)$/i, 'table'],
  [/\.(json)$/i, 'json'],
  [/\.(txt|log|md|ya?ml|toml|ini|cfg|py|sh|jsonl|xml|html?|tex|rst)$/i, 'text'],
];

export function previewKind(file: ArtifactShape): PreviewKind | null {
  return KINDS.find(([pattern]) => pattern.test(file.name))?.[1] ?? null;
}

interface Props {
  readonly job: JobKey;
  readonly file: ArtifactShape | null;
  readonly close: () => void;
}

export function FilePreview({ job, file, close }: Props) {
  const title = file === null ? '' : `${file.name}, version ${file.version}`;
  return (
    <Modal opened={file !== null} onClose={close} title={title} size="xl">
      {file === null ? null : <PreviewBody job={job} file={file} />}
    </Modal>
  );
}

function PreviewBody({ job, file }: { readonly job: JobKey; readonly file: ArtifactShape }) {
  const text = useQuery({
    queryKey: ['preview', job.experiment, job.number, file.id],
    queryFn: async ({ signal }) => {
      const reply = await api.results.download(
        { params: { ...job, name: file.name }, query: { version: file.version, kind: file.kind } },
        { signal, ...(file.size_bytes > PREVIEW_BYTES ? { headers: { range: `bytes=0-${PREVIEW_BYTES - 1}` } } : {}) },
      );
      return reply.text();
    },
    staleTime: Infinity,
  });
  if (text.isError) return <ErrorNotice error={text.error} retry={() => void text.refetch()} />;
  if (text.data === undefined) return <Loader size="sm" aria-label="Loading the file" />;
  const cut = file.size_bytes > PREVIEW_BYTES;
  return (
    <Stack gap="xs">
      <Content kind={previewKind(file) ?? 'text'} text={text.data} name={file.name} />
      <Text size="xs" c="dimmed" component="div" style={{ display: 'flex', alignItems: 'center', gap: 6 }}>
        {cut ? `The first ${bytesText(PREVIEW_BYTES)} of ${bytesText(file.size_bytes)}` : bytesText(file.size_bytes)}
        <CopyIcon text={text.data} what="text" />
      </Text>
    </Stack>
  );
}

function Content({ kind, text, name }: { readonly kind: PreviewKind; readonly text: string; readonly name: string }) {
  if (kind === 'table') return <TableContent text={text} separator={/\.tsv$/i.test(name) ? '\t' : ','} />;
  return <pre className="dr-preview-text">{kind === 'json' ? formatted(text) : text}</pre>;
}

function formatted(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function TableContent({ text, separator }: { readonly text: string; readonly separator: ',' | '\t' }) {
  const [head = [], ...rows] = readTable(text, separator, MAX_ROWS + 1);
  return (
    <div className="dr-preview-table">
      <table className="dr-table">
        <thead>
          <tr>
            {head.map((cell, index) => (
              <th key={index} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, index) => (
                <td key={index} className="dr-num">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === MAX_ROWS ? (
        <Text size="xs" c="dimmed" p="xs">
          The first {MAX_ROWS} rows.
        </Text>
      ) : null}
    </div>
  );
}
