// API keys that are good for this experiment alone: made here, shown once, deleted here.
import { ActionIcon, Alert, Button, Group, NativeSelect, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconKey, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { ApiKeyShape } from '../../contract/index.ts';
import { api, errorSentence, newIdempotencyKey } from '../api.ts';
import { useConfirm } from '../components/confirm.tsx';
import { CommandLine, CopyIcon } from '../components/copy.tsx';
import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { toastDone } from '../components/toast.ts';
import { queries } from '../queries.ts';
import { serverNow } from '../server-clock.ts';
import { Section } from './section.tsx';

const ROLES = [
  { value: 'viewer', label: 'viewer: looks' },
  { value: 'operator', label: 'operator: jobs, commands, agents' },
  { value: 'owner', label: 'owner: all of this experiment' },
] as const;
type Role = (typeof ROLES)[number]['value'];

const DAY_MS = 86_400_000;
const TERMS = [
  { value: '', label: 'does not expire' },
  { value: '7', label: 'for a week' },
  { value: '30', label: 'for 30 days' },
  { value: '365', label: 'for a year' },
];

export function KeysSection({ experiment }: { readonly experiment: string }) {
  const list = useQuery(queries.keys(experiment));
  return (
    <Section
      title="API keys"
      hint="For agents, scripts and people, good for this experiment alone. Each is shown once, when it is made. What one agent got in exchange for a key is revoked on the Workers page."
    >
      {list.isError ? <ErrorNotice error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isPending ? <LoadingRows rows={2} /> : null}
      {list.data === undefined ? null : <KeyTable experiment={experiment} keys={list.data.keys} />}
      <NewKey experiment={experiment} />
    </Section>
  );
}

function KeyTable({ experiment, keys }: { readonly experiment: string; readonly keys: readonly ApiKeyShape[] }) {
  const remove = useRemove(experiment);
  if (keys.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No keys yet. Server-wide keys: <code className="dr-mono">drover key ls</code>
      </Text>
    );
  }
  return (
    <div className="dr-scroll-x">
      <table className="dr-table" aria-label="API keys of this experiment">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Begins with</th>
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            <th scope="col">Expires</th>
            <th scope="col">Delete</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>{key.name}</td>
              <td>{key.role}</td>
              <td className="dr-mono">{key.prefix}…</td>
              <td>
                <Moment at={key.created_at} />
              </td>
              <td>{key.last_used_at === null ? 'never' : <Moment at={key.last_used_at} />}</td>
              <td>{key.expires_at === null ? 'never' : <Moment at={key.expires_at} />}</td>
              <td>
                <Tooltip label={`Delete ${key.name}`}>
                  <ActionIcon size="sm" color="red" aria-label={`Delete the key ${key.name}`} onClick={() => remove(key)}>
                    <IconTrash size={15} />
                  </ActionIcon>
                </Tooltip>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function useRemove(experiment: string): (key: ApiKeyShape) => void {
  const confirm = useConfirm();
  const client = useQueryClient();
  return ({ id, name }) =>
    confirm({
      title: `Delete the key ${name}?`,
      body: 'It is good for nothing from now on, and sessions that it opened end. Agents that were started with it go on: they have secrets of their own.',
      action: `Delete ${name}`,
      danger: true,
      run: async () => {
        await api.keys.remove({ params: { experiment, id } });
        toastDone(`Deleted the key ${name}`);
        await client.invalidateQueries({ queryKey: ['keys', experiment] });
      },
    });
}

function NewKey({ experiment }: { readonly experiment: string }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [days, setDays] = useState('');
  const create = useMutation({
    mutationFn: () => {
      const expires_at = days === '' ? null : new Date(serverNow() + Number(days) * DAY_MS).toISOString();
      return api.keys.create({ params: { experiment }, body: { name: name.trim(), role, expires_at } }, { idempotency_key: newIdempotencyKey() });
    },
    onSuccess: async () => {
      setName('');
      await client.invalidateQueries({ queryKey: ['keys', experiment] });
    },
  });
  return (
    <Stack gap="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Group align="flex-end" gap="xs" className="dr-key-form">
          <TextInput
            label="New key for"
            placeholder="gpu-box"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
            className="dr-key-name"
            spellCheck={false}
          />
          <NativeSelect label="Role" size="sm" data={[...ROLES]} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)} />
          <NativeSelect label="Valid" size="sm" data={TERMS} value={days} onChange={(event) => setDays(event.currentTarget.value)} />
          <Button type="submit" size="sm" leftSection={<IconKey size={14} />} disabled={name.trim() === ''} loading={create.isPending}>
            Create
          </Button>
        </Group>
      </form>
      {create.isError ? (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(create.error)}
        </Alert>
      ) : null}
      {create.data === undefined ? null : <MadeKey experiment={experiment} made={create.data} close={create.reset} />}
    </Stack>
  );
}

interface MadeProps {
  readonly experiment: string;
  readonly made: { readonly name: string; readonly role: string; readonly key: string };
  readonly close: () => void;
}

function MadeKey({ experiment, made, close }: MadeProps) {
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconKey size={18} />}
      title={`The key ${made.name} is shown this once`}
      withCloseButton
      closeButtonLabel="Done with the key"
      onClose={close}
    >
      <Stack gap="xs">
        <Group gap={6} wrap="nowrap">
          <code className="dr-mono dr-made-key">{made.key}</code>
          <CopyIcon text={made.key} what="key" />
        </Group>
        {made.role === 'viewer' ? null : (
          <CommandLine text={`DROVER_URL=${window.location.origin} DROVER_API_KEY=${made.key} drover worker start --experiment ${experiment}`} />
        )}
      </Stack>
    </Alert>
  );
}
