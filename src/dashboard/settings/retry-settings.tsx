// Retries and time limits of an experiment, each with what it does.
import { Alert, Button, Group, NumberInput, SimpleGrid, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { ExperimentShape } from '../../contract/index.ts';
import { api, errorSentence } from '../api.ts';
import { durationText } from '../components/time.tsx';
import { toastDone } from '../components/toast.ts';
import { Section } from './section.tsx';

type Settings = ExperimentShape['settings'];
type Name = keyof Settings;

interface Field {
  readonly name: Name;
  readonly label: string;
  readonly effect: string;
  readonly min: number;
  readonly max: number;
  readonly unit: 's' | '';
  readonly nullable?: boolean;
}

const FIELDS: readonly Field[] = [
  { name: 'max_attempts', label: 'Attempts at most', effect: 'A job that fails or times out this often is aborted. 1: no retry.', min: 1, max: 1000, unit: '' },
  {
    name: 'timeout_seconds',
    label: 'Time limit',
    effect: 'An attempt that runs longer is ended and counts as timed out. Empty: no limit.',
    min: 1,
    max: 31_536_000,
    unit: 's',
    nullable: true,
  },
  { name: 'grace_seconds', label: 'Grace time', effect: 'From the polite signal to the hard one: time to write a checkpoint.', min: 0, max: 86_400, unit: 's' },
  {
    name: 'backoff_base_seconds',
    label: 'First delay',
    effect: 'Pause before the first retry; it doubles with each further one.',
    min: 0,
    max: 86_400,
    unit: 's',
  },
  { name: 'backoff_cap_seconds', label: 'Longest delay', effect: 'The pause never grows beyond this.', min: 0, max: 604_800, unit: 's' },
  {
    name: 'lost_after_seconds',
    label: 'Lost after',
    effect: 'Silence of a machine after which its jobs go back into the queue. Short: quick recovery. Long: patience with bad networks.',
    min: 10,
    max: 604_800,
    unit: 's',
  },
  {
    name: 'crash_limit',
    label: 'Crash limit',
    effect: 'Times a job may be lost with its machine, without a new checkpoint in between, before it is aborted.',
    min: 1,
    max: 1000,
    unit: '',
  },
];

export function RetrySection({ experiment, editable }: { readonly experiment: ExperimentShape; readonly editable: boolean }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<Partial<Record<Name, number | null>>>({});
  const valueOf = (name: Name): number | null => (draft[name] === undefined ? experiment.settings[name] : draft[name]);
  const changed = FIELDS.filter(({ name }) => valueOf(name) !== experiment.settings[name]);
  const save = useMutation({
    mutationFn: () =>
      api.experiments.change({
        params: { experiment: experiment.name },
        body: { settings: Object.fromEntries(changed.map(({ name }) => [name, valueOf(name)])) as Partial<Settings> },
      }),
    onSuccess: async (next) => {
      client.setQueryData(['experiment', experiment.name], next);
      setDraft({});
      toastDone('Saved. It holds for attempts that start from now on.');
    },
  });
  return (
    <Section title="Retries and time limits" hint="They hold for every job that does not say otherwise, from its next attempt on.">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" verticalSpacing="md">
        {editable ? null : FIELDS.map((field) => <ShownSetting key={field.name} field={field} value={experiment.settings[field.name]} />)}
        {(editable ? FIELDS : []).map((field) => (
          <SettingField key={field.name} field={field} value={valueOf(field.name)} onChange={(value) => setDraft({ ...draft, [field.name]: value })} />
        ))}
      </SimpleGrid>
      {save.isError ? (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(save.error)}
        </Alert>
      ) : null}
      {editable ? (
        <Group gap="xs">
          <Button disabled={changed.length === 0} loading={save.isPending} onClick={() => save.mutate()}>
            {changed.length === 0 ? 'Save' : `Save ${changed.length} ${changed.length === 1 ? 'change' : 'changes'}`}
          </Button>
          {changed.length === 0 ? null : (
            <Button variant="default" onClick={() => setDraft({})}>
              Discard
            </Button>
          )}
        </Group>
      ) : null}
    </Section>
  );
}

/** For who may only look. */
function ShownSetting({ field, value }: { readonly field: Field; readonly value: number | null }) {
  const text = value === null ? 'no limit' : field.unit === 's' ? durationText(value * 1000) : String(value);
  return (
    <div>
      <Text size="sm" fw={600}>
        {field.label}
      </Text>
      <Text size="sm" className="dr-num">
        {text}
      </Text>
      <Text size="xs" c="dimmed" mt={4}>
        {field.effect}
      </Text>
    </div>
  );
}

interface SettingFieldProps {
  readonly field: Field;
  readonly value: number | null;
  readonly onChange: (value: number | null) => void;
}

function SettingField({ field, value, onChange }: SettingFieldProps) {
  const told = field.unit === 's' && value !== null && value >= 60 ? durationText(value * 1000) : null;
  return (
    <div>
      <NumberInput
        label={field.label}
        value={value ?? ''}
        placeholder={field.nullable === true ? 'no limit' : ''}
        onChange={(next) => {
          if (typeof next === 'number') onChange(next);
          else if (field.nullable === true) onChange(null);
        }}
        min={field.min}
        max={field.max}
        thousandSeparator=","
        rightSectionWidth={told === null ? 72 : 136}
        rightSectionPointerEvents="none"
        rightSection={
          <Text size="xs" c="dimmed" pr={8} w="100%" ta="right" style={{ whiteSpace: 'nowrap' }}>
            {told === null ? (field.unit === 's' ? 'seconds' : '') : `seconds = ${told}`}
          </Text>
        }
        hideControls
      />
      <Text size="xs" c="dimmed" mt={4}>
        {field.effect}
      </Text>
    </div>
  );
}
