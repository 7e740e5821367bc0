// Variables that the commands of this experiment use: its own, which are set and removed here, and the shared ones.
import { ActionIcon, Alert, Button, Group, Switch, Text, Textarea, TextInput, Tooltip } from '@mantine/core';
import { IconTrash, IconVariable } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { VariableShape } from '../../contract/index.ts';
import { variableNameProblem, variableValueProblem } from '../../core/variables.ts';
import { api, errorSentence } from '../api.ts';
import { useConfirm } from '../components/confirm.tsx';
import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { toastDone } from '../components/toast.ts';
import type { Rights } from '../frame/session.tsx';
import { queries } from '../queries.ts';
import { Section } from './section.tsx';

interface Props {
  readonly experiment: string;
  readonly rights: Pick<Rights, 'commands' | 'own'>;
}

export function VariablesSection({ experiment, rights }: Props) {
  const list = useQuery(queries.variables(experiment));
  return (
    <Section
      title="Variables"
      hint="Commands use them as {NAME}; a param of the same name comes first. Jobs keep the value that was there when they were made. A secret is filled in when a job starts, and is never shown."
    >
      {list.isError ? <ErrorNotice error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isPending ? <LoadingRows rows={2} /> : null}
      {list.data === undefined ? null : <VariableTable experiment={experiment} variables={list.data.variables} rights={rights} />}
      {rights.commands ? <NewVariable experiment={experiment} maySecret={rights.own} /> : null}
    </Section>
  );
}

interface TableProps extends Props {
  readonly variables: readonly VariableShape[];
}

function VariableTable({ experiment, variables, rights }: TableProps) {
  const remove = useRemove(experiment);
  if (variables.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        There is none yet.
      </Text>
    );
  }
  const mayRemove = ({ shared, secret }: VariableShape): boolean => !shared && rights.commands && (!secret || rights.own);
  return (
    <div className="dr-scroll-x">
      <table className="dr-table" aria-label="Variables of this experiment">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            <th scope="col">Of</th>
            <th scope="col">Changed</th>
            {rights.commands ? <th scope="col">Remove</th> : null}
          </tr>
        </thead>
        <tbody>
          {variables.map((variable) => (
            <tr key={`${variable.name} ${variable.shared}`}>
              <td className="dr-mono">{variable.name}</td>
              <td>
                {variable.value === null ? (
                  <Text span size="sm" c="dimmed">
                    secret
                  </Text>
                ) : (
                  <span className="dr-mono dr-variable-value" title={variable.value}>
                    {variable.value}
                  </span>
                )}
              </td>
              <td>{variable.shared ? 'all experiments' : 'this experiment'}</td>
              <td>
                <Moment at={variable.updated_at} />
              </td>
              {rights.commands ? <td>{mayRemove(variable) ? <Remove variable={variable} remove={remove} /> : null}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Remove({ variable, remove }: { readonly variable: VariableShape; readonly remove: (variable: VariableShape) => void }) {
  const label = `Remove ${variable.name}`;
  return (
    <Tooltip label={label}>
      <ActionIcon size="sm" color="red" aria-label={label} onClick={() => remove(variable)}>
        <IconTrash size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

function useRemove(experiment: string): (variable: VariableShape) => void {
  const confirm = useConfirm();
  const client = useQueryClient();
  return ({ name, secret }) =>
    confirm({
      title: `Remove the variable ${name}?`,
      body: secret ? 'Jobs that use it fail when they start from now on.' : 'Jobs that exist keep its value; new commands cannot use it.',
      action: `Remove ${name}`,
      danger: true,
      run: async () => {
        await api.variables.remove({ params: { experiment, name } });
        toastDone(`Removed the variable ${name}`);
        await client.invalidateQueries({ queryKey: ['variables', experiment] });
      },
    });
}

function NewVariable({ experiment, maySecret }: { readonly experiment: string; readonly maySecret: boolean }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [secret, setSecret] = useState(false);
  const set = useMutation({
    mutationFn: () => api.variables.set({ params: { experiment, name }, body: { value, secret } }),
    onSuccess: async () => {
      toastDone(`Set the variable ${name}`);
      setName('');
      setValue('');
      await client.invalidateQueries({ queryKey: ['variables', experiment] });
    },
  });
  const nameProblem = name === '' ? null : variableNameProblem(name);
  const valueProblem = value === '' ? null : variableValueProblem(value, secret);
  const ready = name !== '' && nameProblem === null && valueProblem === null && !(secret && value === '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) set.mutate();
      }}
    >
      <Group align="flex-start" gap="xs">
        <TextInput
          label="Variable"
          placeholder="DATA"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={nameProblem}
          maxLength={64}
          w={150}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: 'dr-mono' }}
        />
        <Textarea
          label="Value"
          placeholder={secret ? undefined : '/data/digits'}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          error={valueProblem}
          autosize
          minRows={1}
          maxRows={6}
          w={250}
          spellCheck={false}
          autoComplete="off"
          // A password field would drop the line ends of a key.
          classNames={{ input: secret ? 'dr-mono dr-hidden-text' : 'dr-mono' }}
        />
        <div className="dr-variable-set">
          {maySecret ? <Switch label="Secret" checked={secret} onChange={(event) => setSecret(event.currentTarget.checked)} /> : null}
          <Button type="submit" size="sm" leftSection={<IconVariable size={14} />} disabled={!ready} loading={set.isPending}>
            Set
          </Button>
        </div>
      </Group>
      {set.isError ? (
        <Alert color="red" variant="light" role="alert" mt="sm">
          {errorSentence(set.error)}
        </Alert>
      ) : null}
    </form>
  );
}
