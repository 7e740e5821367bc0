// Narrowing the list: status buttons and one search field whose grammar is told beside it.
import { ActionIcon, Button, CloseButton, Code, Popover, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconHelp, IconSearch, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';

import type { CountsShape } from '../../contract/index.ts';
import { JOB_STATUSES } from '../../core/job.ts';
import { LIMITS } from '../../core/limits.ts';
import { countText } from '../components/bytes.ts';
import { STATUS_WORD } from '../components/status.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { withFilter, type JobsSearch } from './jobs-search.ts';

const TYPING_MS = 250;

interface Props {
  readonly experiment: string;
  readonly counts: CountsShape | undefined;
  readonly search: JobsSearch;
  readonly onSearch: (text: string) => void;
}

export function StatusButtons({ experiment, counts, search }: Omit<Props, 'onSearch'>) {
  return (
    <nav className="dr-segments" aria-label="Filter by status">
      {[undefined, ...JOB_STATUSES].map((status) => (
        <Link
          key={status ?? 'all'}
          to="/experiments/$experiment/jobs"
          params={{ experiment }}
          search={withFilter(search, { status })}
          data-on={search.status === status ? true : undefined}
          aria-current={search.status === status ? 'true' : undefined}
          activeProps={{}}
        >
          {status === undefined ? 'All' : STATUS_WORD[status]}
          {counts === undefined ? null : <span className="dr-num">{countText(status === undefined ? counts.total : counts[status])}</span>}
        </Link>
      ))}
    </nav>
  );
}

/** Says that the list is of one matrix, and leads back to all jobs. */
export function MatrixFilter({ experiment, search }: Pick<Props, 'experiment' | 'search'>) {
  if (search.matrix === undefined) return null;
  return (
    <Button
      size="compact-sm"
      variant="light"
      rightSection={<IconX size={12} />}
      aria-label={`Only matrix ${search.matrix}: show all jobs`}
      renderRoot={(props) => <Link {...props} to="/experiments/$experiment/jobs" params={{ experiment }} search={withFilter(search, { matrix: undefined })} />}
    >
      {`Only matrix ${search.matrix}`}
    </Button>
  );
}

export function SearchField({ search, onSearch }: Pick<Props, 'search' | 'onSearch'>) {
  const current = search.search ?? '';
  const [text, setText] = useState(current);
  const field = useRef<HTMLInputElement>(null);
  const sent = useRef(current);
  useShortcuts([{ keys: '/', label: 'Search jobs', run: () => field.current?.focus() }]);
  useEffect(() => {
    // The URL changed by other means (back, a link): follow it.
    if (current !== sent.current) setText(current);
    sent.current = current;
  }, [current]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      onSearch(text.trim());
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, onSearch]);
  return (
    <TextInput
      ref={field}
      size="xs"
      className="dr-search"
      placeholder="Search: lr=0.01, lr>0.001 or any text"
      aria-label="Search jobs"
      value={text}
      maxLength={LIMITS.search_characters.value}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') field.current?.blur();
      }}
      leftSection={<IconSearch size={14} />}
      rightSectionWidth={text === '' ? 30 : 54}
      rightSection={
        <>
          {text === '' ? null : <CloseButton size="xs" onClick={() => setText('')} aria-label="Clear the search" />}
          <SearchHelp />
        </>
      }
    />
  );
}

const GRAMMAR: readonly (readonly [string, string])[] = [
  ['0.01', 'any param, worker or message that holds this text'],
  ['lr=0.01', 'param lr has exactly this value'],
  ['lr>0.001', 'param lr is a number above it; also <, >=, <='],
  ['tag:best', 'jobs with this tag; -tag:best those without'],
  ['gpunode_egg_0', 'jobs of this worker'],
];

function SearchHelp() {
  return (
    <Popover position="bottom-end" width={380} shadow="md" withArrow>
      <Popover.Target>
        <ActionIcon size="sm" aria-label="How to search">
          <IconHelp size={15} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={6}>
          <Text size="sm" fw={600}>
            What you can type
          </Text>
          <Table withRowBorders={false} verticalSpacing={3} horizontalSpacing={4}>
            <Table.Tbody>
              {GRAMMAR.map(([example, meaning]) => (
                <Table.Tr key={example}>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>
                    <Code>{example}</Code>
                  </Table.Td>
                  <Table.Td>
                    <Text size="xs">{meaning}</Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
