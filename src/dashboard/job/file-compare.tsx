// Two versions of a file: what differs between them line by line, or both beside each other.
import { Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';

import type { ArtifactShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { countText } from '../components/bytes.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice } from '../components/states.tsx';
import type { JobKey } from '../queries.ts';
import { useFileText } from './file-text.ts';
import { lineDiff, type DiffLine, type LineDiff } from './line-diff.ts';
import { OneFile } from './one-file.tsx';
import { previewKind } from './preview-kind.ts';

interface Props {
  readonly job: JobKey;
  /** The older one first. */
  readonly versions: readonly [ArtifactShape, ArtifactShape];
}

const VIEWS = ['Differences', 'Side by side'] as const;

export function CompareFiles({ job, versions }: Props) {
  const isImage = previewKind(versions[0]) === 'image';
  const [view, setView] = useState<string>(VIEWS[0]);
  return (
    <Stack gap="xs">
      {isImage ? null : (
        <SegmentedControl size="xs" value={view} onChange={setView} data={[...VIEWS]} aria-label="Compared as" style={{ alignSelf: 'flex-start' }} />
      )}
      {isImage || view !== VIEWS[0] ? <Beside job={job} versions={versions} /> : <Differences job={job} versions={versions} />}
    </Stack>
  );
}

function Beside({ job, versions }: Props) {
  return (
    <div className="dr-file-pair">
      {versions.map((file) => (
        <section key={file.id} aria-label={`Version ${file.version}`}>
          <h3>Version {file.version}</h3>
          <OneFile job={job} file={file} />
        </section>
      ))}
    </div>
  );
}

function Differences({ job, versions: [older, newer] }: Props) {
  const [before, after] = [useFileText(job, older), useFileText(job, newer)];
  const failed = [before, after].find(({ text }) => text.isError);
  if (failed !== undefined) return <ErrorNotice error={failed.text.error} retry={() => void failed.text.refetch()} />;
  if (before.text.data === undefined || after.text.data === undefined) return <Loader size="sm" aria-label="Loading the versions" />;
  const words = { from: older.version, to: newer.version, whole: before.isWhole && after.isWhole };
  return <Diff before={before.text.data} after={after.text.data} words={words} />;
}

interface Words {
  readonly from: number;
  readonly to: number;
  readonly whole: boolean;
}

function Diff({ before, after, words }: { readonly before: string; readonly after: string; readonly words: Words }) {
  const diff = useMemo(() => lineDiff(before, after, LIMITS.preview_differences.value), [before, after]);
  if (diff === null) {
    return (
      <Text size="sm" c="dimmed">
        {`They differ in more than ${countText(LIMITS.preview_differences.value)} lines. Look at them side by side.`}
      </Text>
    );
  }
  return (
    <>
      <Text size="sm" c="dimmed" component="output">
        {summary(diff, words)}
      </Text>
      {diff.hunks.length === 0 ? null : (
        <ScrollRegion className="dr-line-diff" label={`What differs between versions ${words.from} and ${words.to}`}>
          {diff.hunks.map((hunk, index) => (
            <Hunk key={index} lines={hunk} />
          ))}
        </ScrollRegion>
      )}
    </>
  );
}

function summary({ added, removed }: LineDiff, { from, to, whole }: Words): string {
  const of = whole ? '' : ' in their beginnings, which are shown here';
  if (added + removed === 0) return `Versions ${from} and ${to} do not differ${of}.`;
  const lines = (count: number): string => `${countText(count)} ${count === 1 ? 'line' : 'lines'}`;
  return `From version ${from} to ${to}${of}: ${lines(removed)} removed, ${lines(added)} added.`;
}

const SIGN: Record<DiffLine['kind'], string> = { same: ' ', removed: '−', added: '+' };

function Hunk({ lines }: { readonly lines: readonly DiffLine[] }) {
  return (
    <div className="dr-line-diff-hunk">
      {lines.map((line) => (
        <div key={`${line.before} ${line.after}`} data-kind={line.kind}>
          <span className="dr-num">{line.before}</span>
          <span className="dr-num">{line.after}</span>
          <b>{SIGN[line.kind]}</b>
          <code>{line.text}</code>
        </div>
      ))}
    </div>
  );
}
