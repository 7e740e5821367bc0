// The variables of a job's command, as they were frozen when it was made.
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { Fact } from '../components/fact.tsx';
import { queries, type JobKey } from '../queries.ts';

export function JobVariables({ job }: { readonly job: JobKey }) {
  const variables = Object.entries(useQuery(queries.job(job)).data?.variables ?? {});
  if (variables.length === 0) return null;
  return (
    <dl className="dr-facts dr-job-variables" aria-label="Variables of the command">
      {variables.map(([name, value]) => (
        <Fact key={name} name={name} copy={value}>
          {value === null ? (
            <Text span size="sm" c="dimmed">
              secret
            </Text>
          ) : (
            <span className="dr-mono">{value}</span>
          )}
        </Fact>
      ))}
    </dl>
  );
}
