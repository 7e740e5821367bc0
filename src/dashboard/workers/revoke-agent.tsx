// Taking away what an agent may do. It concerns all workers of the agent, in every experiment, and cannot be undone.
import { List, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';

import type { WorkerShape } from '../../contract/index.ts';
import { api } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { useConfirm } from '../components/confirm.tsx';
import { toastDone } from '../components/toast.ts';

export function useRevokeAgent(experiment: string, workers: readonly WorkerShape[]): (worker: WorkerShape) => void {
  const client = useQueryClient();
  const confirm = useConfirm();
  return ({ host, instance }) => {
    const agent = `${host}_${instance}`;
    const own = workers.filter((worker) => worker.host === host && worker.instance === instance && worker.status !== 'disabled');
    confirm({
      title: `Revoke agent ${agent}?`,
      body: <Meaning agent={agent} active={own.length} busy={own.filter((worker) => worker.status === 'busy').length} />,
      action: `Revoke ${agent}`,
      danger: true,
      run: async () => {
        const { running_jobs: jobs } = await api.workers.revoke({ params: { experiment, agent } });
        toastDone(
          `Revoked ${agent}${jobs === 0 ? '' : `; ${countText(jobs)} ${jobs === 1 ? 'job runs' : 'jobs run'} on until ${jobs === 1 ? 'it ends' : 'they end'}`}`,
        );
        void client.invalidateQueries({ queryKey: ['workers', experiment] });
      },
    });
  };
}

function Meaning({ agent, active, busy }: { readonly agent: string; readonly active: number; readonly busy: number }) {
  return (
    <>
      <Text size="sm" mb="xs">
        The secret of <b>{agent}</b> is good for nothing any more, in any experiment that it serves. This cannot be taken back.
      </Text>
      <List size="sm" spacing={4}>
        <List.Item>
          {active === 0
            ? 'Its workers leave this list.'
            : `Its ${active === 1 ? 'active worker takes no more jobs and leaves' : `${countText(active)} active workers take no more jobs and leave`} this list.`}
        </List.Item>
        <List.Item>
          Jobs that it runs go on until they end{busy === 0 ? '' : ` (${countText(busy)} now)`}; cancel them first if they should not. When their leases run out
          they count as lost, and may run again elsewhere.
        </List.Item>
        <List.Item>Started again with a valid API key, its machine works as a new agent.</List.Item>
      </List>
    </>
  );
}
