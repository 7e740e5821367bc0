// The form: one row per param, its values separated by commas.
import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';

import { paramNameProblem } from '../../core/params.ts';
import type { FormRow, Plan } from './draft.ts';

interface Props {
  readonly rows: readonly FormRow[];
  readonly setRows: (rows: readonly FormRow[]) => void;
  readonly nextId: () => number;
  readonly plan: Plan;
}

const PLACEHOLDERS = [
  ['learning_rate', '0.1, 0.01, 0.001'],
  ['hidden_units', '16, 32'],
] as const;

export function FormMode({ rows, setRows, nextId, plan }: Props) {
  const change = (id: number, part: Partial<FormRow>): void => setRows(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  return (
    <Stack gap={8}>
      <Group gap={8} wrap="nowrap">
        <Text size="xs" c="dimmed" w="34%">
          Parameter
        </Text>
        <Text size="xs" c="dimmed">
          Values, separated by commas
        </Text>
      </Group>
      {rows.map((row, index) => {
        const name = row.name.trim();
        const wrongName = name !== '' && paramNameProblem(name) !== null;
        const wrong = plan.kind === 'problem' && plan.row === row.id;
        return (
          <Group key={row.id} gap={8} wrap="nowrap" align="flex-start">
            <TextInput
              w="34%"
              size="xs"
              placeholder={PLACEHOLDERS[index]?.[0] ?? 'name'}
              aria-label={`Name of parameter ${index + 1}`}
              value={row.name}
              onChange={(event) => change(row.id, { name: event.currentTarget.value })}
              error={wrongName ? 'Letters, digits, _ . - and a letter first' : null}
              spellCheck={false}
              autoCapitalize="none"
              {...(index === 0 ? { 'data-autofocus': true } : {})}
            />
            <TextInput
              flex={1}
              size="xs"
              placeholder={PLACEHOLDERS[index]?.[1] ?? 'value, value'}
              aria-label={`Values of parameter ${index + 1}`}
              value={row.values}
              onChange={(event) => change(row.id, { values: event.currentTarget.value })}
              error={wrong && name !== '' && row.values.trim() !== ''}
              spellCheck={false}
              autoCapitalize="none"
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            />
            <ActionIcon
              mt={3}
              onClick={() => setRows(rows.filter((other) => other.id !== row.id))}
              disabled={rows.length === 1}
              aria-label={`Remove parameter ${index + 1}`}
            >
              <IconX size={15} />
            </ActionIcon>
          </Group>
        );
      })}
      <Group gap="xs" align="flex-start">
        <Button variant="default" leftSection={<IconPlus size={13} />} onClick={() => setRows([...rows, { id: nextId(), name: '', values: '' }])}>
          Add parameter
        </Button>
        <Text size="xs" c="dimmed" className="dr-form-hint">
          Numbers, true, false and null are read as such; put quotes around text with a comma: <span style={{ whiteSpace: 'nowrap' }}>&quot;a, b&quot;</span>
        </Text>
      </Group>
    </Stack>
  );
}
