// The Matrices tab: the grids that were added as one, newest first, each with how far its jobs are.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconGridDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';

import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { MatrixCard } from '../matrices/matrix-card.tsx';
import { queries } from '../queries.ts';

const ROUTE = '/frame/experiments/$experiment/tabs/matrices';

export function MatricesPage() {
  const { experiment } = useParams({ from: ROUTE });
  const { before, map, ...choice } = useSearch({ from: ROUTE });
  useDocumentTitle(`${experiment} · Matrices`);
  const { operate } = useRights();
  const list = useQuery(queries.matrices(experiment, before));
  if (list.isError) return <ErrorNotice error={list.error} retry={() => void list.refetch()} />;
  if (list.isPending) return <LoadingRows rows={4} height={90} />;
  const { matrices, next_before } = list.data;
  if (matrices.length === 0) return <NoMatrices experiment={experiment} mayAdd={operate} further={before !== undefined} />;
  return (
    <Stack gap="md">
      {matrices.map((matrix) => (
        <MatrixCard key={matrix.id} experiment={experiment} matrix={matrix} mayAdd={operate} heat={matrix.id === map ? choice : null} />
      ))}
      {before === undefined && next_before === null ? null : (
        <Group component="nav" gap="xs" justify="flex-end" aria-label="Pages">
          {before === undefined ? null : (
            <Button
              variant="default"
              size="xs"
              leftSection={<IconChevronLeft size={14} />}
              renderRoot={(props) => <Link {...props} to="/experiments/$experiment/matrices" params={{ experiment }} search={{}} />}
            >
              Newest
            </Button>
          )}
          {next_before === null ? null : (
            <Button
              variant="default"
              size="xs"
              rightSection={<IconChevronRight size={14} />}
              renderRoot={(props) => <Link {...props} to="/experiments/$experiment/matrices" params={{ experiment }} search={{ before: next_before }} />}
            >
              Older
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

function NoMatrices({ experiment, mayAdd, further }: { readonly experiment: string; readonly mayAdd: boolean; readonly further: boolean }) {
  return (
    <div className="dr-card">
      <Empty icon={IconGridDots} title={further ? 'No older matrix' : 'No matrix yet'}>
        <Text size="sm" c="dimmed" maw={460}>
          A matrix is a grid of params that was added as one: it stands here with its jobs, and more jobs like them can be added from it.
        </Text>
        {mayAdd ? (
          <Button
            leftSection={<IconPlus size={14} />}
            my="xs"
            renderRoot={(props) => <Link {...props} to="/experiments/$experiment/jobs" params={{ experiment }} search={{ add: true }} />}
          >
            Add jobs
          </Button>
        ) : null}
      </Empty>
    </div>
  );
}
