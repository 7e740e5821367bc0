// The files that the job left behind, newest version first, to look into and to download.
import { ActionIcon, Button, Select, Text, Tooltip } from '@mantine/core';
import { IconDownload, IconEye, IconFile } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import type { ArtifactShape } from '../../contract/index.ts';
import { artifactUrl } from '../api.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { queries, type JobKey } from '../queries.ts';
import { FilePreview } from './file-preview.tsx';
import { previewKind } from './preview-kind.ts';
import { Panel } from './panel.tsx';

export function Files({ job, ended }: { readonly job: JobKey; readonly ended: boolean }) {
  const list = useQuery(queries.artifacts(job));
  const [previewed, setPreviewed] = useState<ArtifactShape | null>(null);
  const groups = groupByName((list.data?.artifacts ?? []).filter((each) => each.kind === 'artifact'));
  return (
    <Panel title="Files" count={groups.length} flush={groups.length > 0}>
      {list.isError ? <ErrorNotice error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isSuccess && groups.length === 0 ? (
        <Text size="sm" c="dimmed">
          {ended ? 'None.' : 'None yet.'} A script keeps a file here with <code className="dr-mono">jd.jd_upload(path)</code>
        </Text>
      ) : null}
      {groups.length === 0 ? null : (
        <ul className="dr-files">
          {groups.map((versions) => (
            <FileRow key={versions[0]!.name} job={job} versions={versions} preview={setPreviewed} />
          ))}
        </ul>
      )}
      <FilePreview job={job} file={previewed} versions={groups.find(([first]) => first!.name === previewed?.name) ?? []} close={() => setPreviewed(null)} />
    </Panel>
  );
}

/** Within a name the newest version that counts comes first. */
function groupByName(artifacts: readonly ArtifactShape[]): ArtifactShape[][] {
  const groups = new Map<string, ArtifactShape[]>();
  for (const artifact of artifacts) {
    groups.set(artifact.name, [...(groups.get(artifact.name) ?? []), artifact]);
  }
  for (const versions of groups.values()) versions.sort((a, b) => Number(a.superseded) - Number(b.superseded) || b.version - a.version);
  return [...groups.entries()].sort(([a], [b]) => a.localeCompare(b)).map(([, versions]) => versions);
}

interface RowProps {
  readonly job: JobKey;
  readonly versions: readonly ArtifactShape[];
  readonly preview: (file: ArtifactShape) => void;
}

function FileRow({ job, versions, preview }: RowProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const file = versions.find((each) => String(each.id) === chosen) ?? versions[0]!;
  const url = artifactUrl({ ...job, name: file.name, version: file.version, kind: file.kind });
  return (
    <li className="dr-file">
      <IconFile size={16} stroke={1.7} aria-hidden color="var(--mantine-color-dimmed)" />
      <a href={url} download={file.name} className="dr-file-name dr-mono" title={`Download ${file.name}`}>
        {file.name}
      </a>
      {file.superseded ? (
        <Tooltip label="Written by an attempt that no longer spoke for the job; kept, but never the latest.">
          <button type="button" className="dr-hint dr-status" data-status="held">
            superseded
          </button>
        </Tooltip>
      ) : null}
      <span className="dr-file-facts">
        {versions.length === 1 ? null : (
          <Select
            size="xs"
            w={118}
            aria-label={`Version of ${file.name}`}
            data={versions.map((each) => ({ value: String(each.id), label: `version ${each.version}` }))}
            value={String(file.id)}
            onChange={setChosen}
            allowDeselect={false}
            comboboxProps={{ width: 150 }}
          />
        )}
        <Text span size="xs" c="dimmed" className="dr-num">
          {bytesText(file.size_bytes)}
        </Text>
        <Text span size="xs" c="dimmed" className="dr-file-age">
          <Moment at={file.created_at} />
        </Text>
        <span className="dr-file-hash">
          <CopyIcon text={file.sha256} what="SHA-256" />
        </span>
        {previewKind(file) === null ? (
          <span style={{ width: 28 }} />
        ) : (
          <Tooltip label="Look into it">
            <ActionIcon onClick={() => preview(file)} aria-label={`Look into ${file.name}`}>
              <IconEye size={16} />
            </ActionIcon>
          </Tooltip>
        )}
        <Button
          variant="default"
          size="compact-xs"
          component="a"
          href={url}
          download={file.name}
          leftSection={<IconDownload size={13} />}
          aria-label={`Download ${file.name}`}
        >
          Download
        </Button>
      </span>
    </li>
  );
}
