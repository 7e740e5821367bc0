// The three parts of a worker's id as filters, each narrowing the next, and the search beside them.
import { CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useRef } from 'react';

import { useShortcuts } from '../frame/shortcuts.tsx';
import { isFiltered, type FilterChoices } from './shown-workers.ts';
import type { WorkersChange, WorkersSearch } from './workers-search.ts';

interface Props {
  readonly search: WorkersSearch;
  readonly choices: FilterChoices;
  readonly change: (change: WorkersChange) => void;
}

export function WorkerFilters({ search, choices, change }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', label: 'Search workers', run: () => field.current?.focus() }]);
  return (
    <div className="dr-worker-filters">
      <Part label="Host" all="All hosts" value={search.host} values={choices.hosts} choose={(host) => change({ host })} />
      <Part label="Instance" all="All instances" value={search.instance} values={choices.instances} choose={(instance) => change({ instance })} />
      <Part label="Slot" all="All slots" value={search.slot} values={choices.slots} choose={(slot) => change({ slot })} />
      <TextInput
        ref={field}
        size="xs"
        className="dr-search"
        placeholder="Search worker, class, process or job"
        aria-label="Search workers"
        leftSection={<IconSearch size={14} />}
        value={search.search ?? ''}
        onChange={(event) => change({ search: event.currentTarget.value === '' ? undefined : event.currentTarget.value })}
      />
      {isFiltered(search) ? (
        <CloseButton
          size="sm"
          aria-label="Show all workers"
          title="Show all workers"
          onClick={() => change({ host: undefined, instance: undefined, slot: undefined, search: undefined })}
        />
      ) : null}
    </div>
  );
}

interface PartProps {
  readonly label: string;
  readonly all: string;
  readonly value: string | undefined;
  readonly values: readonly string[];
  readonly choose: (value: string | undefined) => void;
}

function Part({ label, all, value, values, choose }: PartProps) {
  // A worker that the URL names may have gone meanwhile; the choice is shown for what it is.
  const known = value === undefined || values.includes(value) ? values : [value, ...values];
  return (
    <NativeSelect
      size="xs"
      aria-label={label}
      value={value ?? ''}
      data={[{ value: '', label: all }, ...known.map((each) => ({ value: each, label: label === 'Slot' ? `Slot ${each}` : each }))]}
      onChange={(event) => choose(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
    />
  );
}
