// Choosing the columns of the table: facts of the job, single params, and the latest values of metrics.
import { ActionIcon, Button, Checkbox, Group, Popover, Stack, Text, TextInput } from '@mantine/core';
import { IconColumns3, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { LIMITS } from '../../core/limits.ts';
import { chartQueries } from '../charts-tab/chart-queries.ts';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { columnTitle, isDefault, JOB_COLUMN_TITLES, metricOf, metricsOf, paramOf, type ColumnId, type JobColumn } from './columns.ts';
import type { Columns } from './use-columns.ts';

export function ColumnChooser({ experiment, columns }: { readonly experiment: string; readonly columns: Columns }) {
  const [opened, setOpened] = useState(false);
  useShortcuts([{ keys: 'c', label: 'Choose columns', run: () => setOpened(true) }]);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={320} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="default" size={30} onClick={() => setOpened(!opened)} aria-label="Choose columns" title="Columns">
          <IconColumns3 size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown p={0}>{opened ? <Choice experiment={experiment} columns={columns} /> : null}</Popover.Dropdown>
    </Popover>
  );
}

/** From so many on, there is a field to look for one. */
const MANY = 14;

function Choice({ experiment, columns }: { readonly experiment: string; readonly columns: Columns }) {
  const fields = useQuery(chartQueries.fields(experiment));
  const [wanted, setWanted] = useState('');
  const { chosen } = columns;
  const known = (ids: readonly ColumnId[], kind: (id: string) => string | null): ColumnId[] => [
    ...new Set([...ids, ...chosen.filter((id) => kind(id) !== null)]),
  ];
  const params = known(
    (fields.data?.params ?? []).map(({ name }): ColumnId => `param:${name}`),
    paramOf,
  );
  const metrics = known(
    (fields.data?.metrics ?? []).map((name): ColumnId => `metric:${name}`),
    metricOf,
  );
  const fits = (id: ColumnId): boolean => columnTitle(id).toLowerCase().includes(wanted.trim().toLowerCase());
  const full = metricsOf(chosen).length >= LIMITS.latest_metrics.value;
  const part = (title: string, ids: readonly ColumnId[], empty: string | null) => (
    <Part title={title} ids={ids.filter(fits)} empty={ids.length === 0 && !fields.isPending ? empty : null} columns={columns} full={full} />
  );
  return (
    <Stack gap={0}>
      {params.length + metrics.length <= MANY ? null : (
        <TextInput
          size="xs"
          m={10}
          mb={2}
          placeholder="Find a column"
          aria-label="Find a column"
          leftSection={<IconSearch size={14} />}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      <div className="dr-column-list">
        {part('Latest metrics', metrics, 'No job has logged a metric yet.')}
        {part('Parameters', params, 'No job has params yet.')}
        {part('The job', Object.keys(JOB_COLUMN_TITLES) as JobColumn[], null)}
      </div>
      <Group justify="space-between" gap="xs" className="dr-column-foot">
        <Text size="xs" c="dimmed">
          {full ? `At most ${LIMITS.latest_metrics.value} metrics` : 'Kept in this browser'}
        </Text>
        <Button variant="subtle" size="compact-xs" disabled={isDefault(chosen)} onClick={columns.reset}>
          Reset columns
        </Button>
      </Group>
    </Stack>
  );
}

interface PartProps {
  readonly title: string;
  readonly ids: readonly ColumnId[];
  readonly empty: string | null;
  readonly columns: Columns;
  readonly full: boolean;
}

function Part({ title, ids, empty, columns: { chosen, choose }, full }: PartProps) {
  if (ids.length === 0 && empty === null) return null;
  return (
    <fieldset className="dr-fieldset dr-column-part">
      <legend>{title}</legend>
      {empty === null ? null : (
        <Text size="xs" c="dimmed">
          {empty}
        </Text>
      )}
      {ids.map((id) => {
        const on = chosen.includes(id);
        return (
          <Checkbox
            key={id}
            size="xs"
            label={id === 'params' ? 'All parameters' : columnTitle(id)}
            checked={on}
            disabled={!on && full && metricOf(id) !== null}
            onChange={() => choose(on ? chosen.filter((one) => one !== id) : [...chosen, id])}
          />
        );
      })}
    </fieldset>
  );
}
