// One file, looked into: an image, a table, a heat map of a square one, a tree of JSON or YAML, or text. What is too large for that is
// shown from its beginning, and says so.
import { Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import type { ArtifactShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { artifactUrl } from '../api.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice } from '../components/states.tsx';
import type { JobKey } from '../queries.ts';
import { useFileText } from './file-text.ts';
import { HeatMap } from './heat-map.tsx';
import { previewKind, type PreviewKind } from './preview-kind.ts';
import { readSquare, readTable } from './table-text.ts';
import { readJson, readYaml } from './tree-values.ts';
import { ValueTree } from './value-tree.tsx';

interface BodyProps {
  readonly job: JobKey;
  readonly file: ArtifactShape;
}

export function OneFile({ job, file }: BodyProps) {
  return previewKind(file) === 'image' ? <ImagePreview job={job} file={file} /> : <TextPreview job={job} file={file} />;
}

function ImagePreview({ job, file }: BodyProps) {
  const [isBroken, setBroken] = useState(false);
  if (file.size_bytes > LIMITS.preview_image_bytes.value) {
    return (
      <Note>{`This image has ${bytesText(file.size_bytes)}; up to ${bytesText(LIMITS.preview_image_bytes.value)} are shown here. Download it to see it.`}</Note>
    );
  }
  if (isBroken) return <Note>This file cannot be shown as an image. Download it to see what it is.</Note>;
  return (
    <Stack gap="xs">
      <img className="dr-preview-image" src={artifactUrl({ ...job, ...file })} alt={file.name} onError={() => setBroken(true)} />
      <Note>{bytesText(file.size_bytes)}</Note>
    </Stack>
  );
}

function TextPreview({ job, file }: BodyProps) {
  const { text, kind, isWhole, read } = useFileText(job, file);
  if (text.isError) return <ErrorNotice error={text.error} retry={() => void text.refetch()} />;
  if (text.data === undefined) return <Loader size="sm" aria-label="Loading the file" />;
  return (
    <Stack gap="xs">
      <Content kind={isWhole || kind === 'table' ? kind : 'text'} text={text.data} name={file.name} />
      <Text size="xs" c="dimmed" component="div" style={{ display: 'flex', alignItems: 'center', gap: 6 }}>
        {isWhole
          ? bytesText(file.size_bytes)
          : `The first ${bytesText(read)} of ${bytesText(file.size_bytes)}${kind === 'text' || kind === 'table' ? '' : '; too large for a tree'}`}
        <CopyIcon text={text.data} what="text" />
      </Text>
    </Stack>
  );
}

interface ContentProps {
  readonly text: string;
  readonly name: string;
}

function Content({ kind, text, name }: ContentProps & { readonly kind: PreviewKind }) {
  if (kind === 'table') return <TableContent text={text} name={name} />;
  if (kind === 'json' || kind === 'yaml') return <TreeContent kind={kind} text={text} name={name} />;
  return <PlainText text={text} name={name} />;
}

function PlainText({ text, name }: ContentProps) {
  return (
    <ScrollRegion className="dr-preview-text" label={`${name} as text`}>
      <pre>{text}</pre>
    </ScrollRegion>
  );
}

function Note({ children }: { readonly children: string }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  );
}

interface ViewsProps {
  readonly views: readonly string[];
  readonly view: string;
  readonly choose: (view: string) => void;
}

function Views({ views, view, choose }: ViewsProps) {
  return <SegmentedControl size="xs" value={view} onChange={choose} data={[...views]} aria-label="Shown as" style={{ alignSelf: 'flex-start' }} />;
}

function TreeContent({ kind, text, name }: ContentProps & { readonly kind: 'json' | 'yaml' }) {
  const [view, setView] = useState('Tree');
  const tree = useQuery({
    queryKey: ['preview', 'tree', kind, text],
    queryFn: () => (kind === 'json' ? readJson(text) : readYaml(text)),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (tree.data === undefined) return <Loader size="sm" aria-label="Reading the file" />;
  if ('problem' in tree.data) {
    return (
      <Stack gap="xs">
        <Note>{tree.data.problem}</Note>
        <PlainText text={text} name={name} />
      </Stack>
    );
  }
  return (
    <Stack gap="xs">
      <Views views={['Tree', 'Text']} view={view} choose={setView} />
      {view === 'Text' ? (
        <PlainText text={text} name={name} />
      ) : (
        <ScrollRegion className="dr-preview-tree" label={`${name} as a tree`}>
          <ValueTree value={tree.data.value} />
        </ScrollRegion>
      )}
    </Stack>
  );
}

function TableContent({ text, name }: ContentProps) {
  const table = readTable(text, /\.tsv$/i.test(name) ? '\t' : ',', LIMITS.preview_rows.value + 1);
  const square = readSquare(table, LIMITS.preview_map.value);
  const [view, setView] = useState(square === null ? 'Table' : 'Heat map');
  return (
    <Stack gap="xs">
      <Views views={square === null ? ['Table', 'Text'] : ['Heat map', 'Table', 'Text']} view={view} choose={setView} />
      {view === 'Text' ? (
        <PlainText text={text} name={name} />
      ) : view === 'Heat map' && square !== null ? (
        <HeatMap square={square} name={name} />
      ) : (
        <Rows table={table} name={name} />
      )}
    </Stack>
  );
}

function Rows({ table, name }: { readonly table: readonly (readonly string[])[]; readonly name: string }) {
  const [head = [], ...rows] = table;
  return (
    <ScrollRegion className="dr-preview-table" label={`${name} as a table`}>
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
      {rows.length >= LIMITS.preview_rows.value ? (
        <Text size="xs" c="dimmed" p="xs">
          The first {LIMITS.preview_rows.value} rows.
        </Text>
      ) : null}
    </ScrollRegion>
  );
}
