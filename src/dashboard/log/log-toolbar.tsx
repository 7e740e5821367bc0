// The controls above a log.
import { ActionIcon, Group, Menu, SegmentedControl, Text, TextInput, Tooltip } from '@mantine/core';
import { IconArrowBarToDown, IconChevronDown, IconChevronUp, IconClock, IconDownload, IconSearch, IconTextWrap, type Icon } from '@tabler/icons-react';
import { useRef } from 'react';

import { LIMITS } from '../../core/limits.ts';
import { errorSentence, logUrl } from '../api.ts';
import { bytesText, countText } from '../components/bytes.ts';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { STREAM_CHOICES, type StreamChoice } from '../job/job-search.ts';
import type { LogView } from './use-log.ts';

interface Toggles {
  readonly follow: boolean;
  readonly setFollow: (on: boolean) => void;
  readonly wrap: boolean;
  readonly setWrap: (on: boolean) => void;
  readonly times: boolean;
  readonly setTimes: (on: boolean) => void;
}

interface Search {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly count: number;
  readonly searching: boolean;
  /** There are more than are told. */
  readonly isFull: boolean;
  readonly error: unknown;
  /** Number of the match in sight, from 1. */
  readonly at: number;
  readonly step: (by: 1 | -1) => void;
}

interface Props {
  readonly job: { readonly experiment: string; readonly number: number; readonly attempt: number };
  readonly log: LogView;
  readonly stream: StreamChoice;
  readonly setStream: (stream: StreamChoice) => void;
  readonly toggles: Toggles;
  readonly search: Search;
}

export function LogToolbar({ job, log, stream, setStream, toggles, search }: Props) {
  useShortcuts([
    { keys: 'f', label: 'Follow the log', run: () => toggles.setFollow(!toggles.follow) },
    { keys: 'w', label: 'Wrap long lines of the log', run: () => toggles.setWrap(!toggles.wrap) },
  ]);
  return (
    <div className="dr-log-bar">
      <SegmentedControl
        size="xs"
        value={stream}
        onChange={(value) => setStream(STREAM_CHOICES.find((choice) => choice === value) ?? 'both')}
        data={STREAM_CHOICES.map((value) => ({ value, label: value }))}
        aria-label="Which stream"
      />
      <Text size="xs" c="dimmed" className="dr-num dr-log-size">
        {log.live ? <span className="dr-live-dot" data-tone="busy" style={{ display: 'inline-block', marginRight: 6 }} /> : null}
        {bytesText(stream === 'both' ? log.bytes.stdout + log.bytes.stderr : log.bytes[stream])}
      </Text>
      <LogSearch search={search} />
      <Group gap={2} wrap="nowrap">
        <Toggle icon={IconArrowBarToDown} label="Follow" on={toggles.follow} set={toggles.setFollow} />
        <Toggle icon={IconTextWrap} label="Wrap lines" on={toggles.wrap} set={toggles.setWrap} />
        <Toggle icon={IconClock} label="Arrival times" on={toggles.times} set={toggles.setTimes} />
        <Download job={job} />
      </Group>
    </div>
  );
}

function LogSearch({ search }: { readonly search: Search }) {
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', label: 'Search the log', run: () => field.current?.focus() }]);
  return (
    <Group gap={2} wrap="nowrap" className="dr-log-search">
      <TextInput
        ref={field}
        size="xs"
        placeholder="Search the log"
        aria-label="Search the log"
        maxLength={LIMITS.log_search_characters.value}
        error={search.error === null ? undefined : errorSentence(search.error)}
        leftSection={<IconSearch size={13} />}
        value={search.text}
        onChange={(event) => search.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search.step(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') field.current?.blur();
        }}
        rightSectionWidth={84}
        rightSectionPointerEvents="none"
        rightSection={
          search.text === '' ? null : (
            <Text size="xs" c="dimmed" className="dr-num" aria-live="polite" title={search.searching ? 'Still searching' : undefined}>
              {search.at}/{countText(search.count)}
              {search.searching ? '…' : search.isFull ? '+' : ''}
            </Text>
          )
        }
      />
      <ActionIcon size="sm" onClick={() => search.step(-1)} disabled={search.count === 0} aria-label="Previous match">
        <IconChevronUp size={14} />
      </ActionIcon>
      <ActionIcon size="sm" onClick={() => search.step(1)} disabled={search.count === 0} aria-label="Next match">
        <IconChevronDown size={14} />
      </ActionIcon>
    </Group>
  );
}

interface ToggleProps {
  readonly icon: Icon;
  readonly label: string;
  readonly on: boolean;
  readonly set: (on: boolean) => void;
}

function Toggle({ icon: Symbol, label, on, set }: ToggleProps) {
  return (
    <Tooltip label={`${label}: ${on ? 'on' : 'off'}`}>
      <ActionIcon variant={on ? 'light' : 'subtle'} color={on ? 'brand' : 'gray'} onClick={() => set(!on)} aria-pressed={on} aria-label={label}>
        <Symbol size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function Download({ job }: { readonly job: Props['job'] }) {
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <ActionIcon aria-label="Download the log">
          <IconDownload size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(['stdout', 'stderr'] as const).map((stream) => (
          <Menu.Item key={stream} component="a" href={logUrl({ ...job, stream })} download={`${job.experiment}-${job.number}.${job.attempt}.${stream}.log`}>
            Download {stream}, byte for byte
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
