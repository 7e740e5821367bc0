// The file view: a file is chosen or dropped, and its first rows are shown as they were understood, or what is wrong with it.
import { Button, CloseButton, FileButton, Group, List, Loader, Stack, Text } from '@mantine/core';
import { IconFileText, IconFileTypeCsv, IconJson, IconUpload, type Icon } from '@tabler/icons-react';

import { LIMITS } from '../../core/limits.ts';
import type { Params } from '../../core/params.ts';
import { bytesText, countText } from '../components/bytes.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { Absent } from '../components/time.tsx';
import { problemText } from './draft.ts';
import { FILE_TYPES, type JobFile } from './job-file.ts';
import type { ChosenFile } from './use-job-file.ts';
import { valueText } from './value-text.ts';

const ICONS: Record<JobFile['format'], Icon> = { CSV: IconFileTypeCsv, TSV: IconFileTypeCsv, JSON: IconJson, 'JSON lines': IconJson, unknown: IconFileText };

export function FileMode({ chosen }: { readonly chosen: ChosenFile }) {
  const { file, reading, read, clear } = chosen;
  if (reading) {
    return (
      <div className="dr-drop" aria-busy="true">
        <Loader size="sm" />
        <Text size="sm">Reading the file…</Text>
      </div>
    );
  }
  if (file === null) return <Choose read={read} />;
  const Symbol = ICONS[file.format];
  return (
    <Stack gap={8}>
      <Group gap="xs" className="dr-chosen-file">
        <Symbol size={18} aria-hidden />
        <Text size="sm" fw={600} className="dr-truncate" maw={360} title={file.name}>
          {file.name}
        </Text>
        <Text size="xs" c="dimmed" className="dr-num">
          {file.format === 'unknown' ? '' : `${file.format}, `}
          {bytesText(file.bytes)}
        </Text>
        <CloseButton size="sm" ml="auto" onClick={clear} aria-label="Take another file" title="Take another file" />
      </Group>
      {file.problems.length > 0 ? <Problems file={file} /> : null}
      {file.plan.kind === 'list' ? <FirstRows jobs={file.plan.jobs} /> : null}
    </Stack>
  );
}

function Choose({ read }: { readonly read: (file: File) => void }) {
  return (
    <div className="dr-drop">
      <IconUpload size={26} stroke={1.5} aria-hidden />
      <Text size="sm">Drop a file here, or</Text>
      <FileButton onChange={(file) => file !== null && read(file)} accept={FILE_TYPES}>
        {(props) => (
          <Button {...props} variant="default" data-autofocus>
            Choose a file
          </Button>
        )}
      </FileButton>
      <Text size="xs" c="dimmed" maw={520} ta="center">
        CSV or TSV: the first row names the params, each further row is a job; cells are read as in the form, and an empty cell leaves the param out. JSON: a
        list of objects, or an object of lists as a matrix. JSON lines: an object on each line. Up to {bytesText(LIMITS.job_file_bytes.value)} and{' '}
        {countText(LIMITS.create_jobs.value)} jobs.
      </Text>
    </div>
  );
}

function Problems({ file }: { readonly file: JobFile }) {
  return (
    <div role="alert" className="dr-file-problems">
      <Text size="sm" fw={600}>
        Nothing can be created from this file:
      </Text>
      <List size="sm" spacing={2} mt={4}>
        {file.problems.map((problem, index) => (
          <List.Item key={index}>{problemText(problem)}</List.Item>
        ))}
      </List>
    </div>
  );
}

const SHOWN_ROWS = 5;
const SHOWN_COLUMNS = 12;

function FirstRows({ jobs }: { readonly jobs: readonly Params[] }) {
  const rows = jobs.slice(0, SHOWN_ROWS);
  const names = [...new Set(rows.flatMap((params) => Object.keys(params)))];
  const columns = names.slice(0, SHOWN_COLUMNS);
  return (
    <ScrollRegion label="First rows of the file" className="dr-file-rows">
      <table className="dr-table">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {names.length > columns.length ? <th scope="col">{names.length - columns.length} more</th> : null}
          </tr>
        </thead>
        <tbody>
          {rows.map((params, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <td key={name} className="dr-mono">
                  {Object.hasOwn(params, name) ? valueText(params[name]!).slice(0, LIMITS.tag_characters.value) : <Absent />}
                </td>
              ))}
              {names.length > columns.length ? <td>…</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
