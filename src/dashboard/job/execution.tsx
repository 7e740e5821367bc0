// As what an attempt was run: the command line after filling in, where, by what, and the variables that matter. Everything can be copied.
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import type { AttemptShape, ExecutionShape } from '../../contract/index.ts';
import { commandLineOf } from '../../core/execution.ts';
import { shellQuote } from '../../core/template.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { queries, type JobKey } from '../queries.ts';
import { Fact } from '../components/fact.tsx';
import { Panel } from './panel.tsx';

interface Props {
  readonly job: JobKey;
  readonly attempt: AttemptShape;
}

/** It comes with the first word of the agent after the start; one that is older than this page never tells it. */
const AGAIN_MS = 2_000;
const TRIES = 15;

export function ExecutionPanel({ job, attempt }: Props) {
  const query = useQuery({
    ...queries.execution(job, attempt),
    refetchInterval: ({ state }) => (attempt.outcome === null && (state.data?.execution ?? null) === null && state.dataUpdateCount < TRIES ? AGAIN_MS : false),
  });
  const execution = query.data?.execution ?? null;
  const title = 'As it was run';
  return (
    <Panel
      title={title}
      late
      action={
        <>
          <Text span size="xs" c="dimmed" className="dr-num">{`attempt ${attempt.attempt}`}</Text>
          {execution === null ? null : <CopyIcon text={commandLineOf(execution.arguments)} what="command as it was run" />}
        </>
      }
    >
      {query.isError ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : null}
      {query.isSuccess && execution === null ? (
        <Text size="sm" c="dimmed">
          {attempt.started_at === null ? 'No process was begun.' : attempt.outcome === null ? 'Its agent has not told yet.' : 'Its agent did not tell.'}
        </Text>
      ) : null}
      {execution === null ? null : <ExecutionFacts execution={execution} />}
    </Panel>
  );
}

function ExecutionFacts({ execution }: { readonly execution: ExecutionShape }) {
  const { cut, host, user, process_id, working_directory, script, interpreter, interpreter_version, agent_version, platform } = execution;
  return (
    <>
      <pre className="dr-job-command">{commandLineOf(execution.arguments)}</pre>
      {cut ? (
        <Text size="xs" c="dimmed">
          It was longer; this is its beginning.
        </Text>
      ) : null}
      <dl className="dr-facts dr-execution-facts">
        <Fact name="Directory" copy={working_directory}>
          <span className="dr-mono">{working_directory}</span>
        </Fact>
        {script === null ? null : (
          <Fact name="Script" copy={script}>
            <span className="dr-mono">{script}</span>
          </Fact>
        )}
        {interpreter === null ? null : (
          <Fact name="Interpreter" copy={interpreter}>
            <span className="dr-mono">{interpreter}</span>
            {interpreter_version === null ? '' : `\n${interpreter_version}`}
          </Fact>
        )}
        <Fact name="Host">{user === null ? host : `${host}, as ${user}`}</Fact>
        {process_id === null ? null : <Fact name="Process">{process_id}</Fact>}
        <Fact name="Agent">{`Drover ${agent_version}\n${platform}`}</Fact>
      </dl>
      <Variables variables={execution.variables} />
    </>
  );
}

function Variables({ variables }: { readonly variables: ExecutionShape['variables'] }) {
  const entries = Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return null;
  return (
    <details className="dr-variables">
      <summary>{`${entries.length} variables`}</summary>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt className="dr-mono">{name}</dt>
            <dd className="dr-mono">{value === '' ? <i>empty</i> : value}</dd>
          </div>
        ))}
      </dl>
      <p className="dr-variables-note">
        <CopyIcon text={entries.map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join('')} what="variables, for a shell" />
        Drover&apos;s own, and a few that decide how programs run. The token and the rest of the environment stay on the machine.
      </p>
    </details>
  );
}
