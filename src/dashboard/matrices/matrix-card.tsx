// One matrix: its axes, how far its jobs are, and the ways to them.
import { Button, Group, Text, Tooltip } from '@mantine/core';
import { IconCopyPlus, IconGridDots } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import { countText } from '../components/bytes.ts';
import { ProgressBar } from '../components/progress-bar.tsx';
import { StatusCounts } from '../components/status-counts.tsx';
import { Moment } from '../components/time.tsx';
import type { HeatChoice, MatricesSearch } from './matrices-search.ts';
import { matrixCounts, type MatrixShape } from './matrix-counts.ts';
import { MatrixHeat } from './matrix-heat.tsx';

interface Props {
  readonly experiment: string;
  readonly matrix: MatrixShape;
  readonly mayAdd: boolean;
  /** How it is shown as a heat map; null: it is not. */
  readonly heat: HeatChoice | null;
}

export function MatrixCard({ experiment, matrix, mayAdd, heat }: Props) {
  const { id, size, created_at, created_by } = matrix;
  return (
    <article className="dr-card dr-experiment" aria-label={`Matrix ${id}`}>
      <div className="dr-experiment-head">
        <Group gap="sm" wrap="wrap">
          <Link to="/experiments/$experiment/jobs" params={{ experiment }} search={{ matrix: id }} className="dr-experiment-name">
            {`Matrix ${id}`}
          </Link>
          <Text size="sm" c="dimmed" className="dr-num">
            {matrix.axes.length < 2 ? '' : `${matrix.axes.map(({ count }) => countText(count)).join(' × ')} = `}
            {`${countText(size)} ${size === 1 ? 'job' : 'jobs'}, ${matrix.from === matrix.to ? `number ${matrix.from}` : `numbers ${matrix.from} to ${matrix.to}`}`}
          </Text>
        </Group>
        <Group gap="md" wrap="nowrap">
          <Text size="xs" c="dimmed">
            <Moment at={created_at} />
            {created_by === null ? null : ` by ${created_by}`}
          </Text>
          {matrix.axes.length < 2 ? null : <HeatButton id={id} open={heat !== null} />}
          {mayAdd ? (
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconCopyPlus size={13} />}
              renderRoot={(props) => (
                <Link
                  {...props}
                  to="/experiments/$experiment/jobs"
                  params={{ experiment }}
                  search={{ add: true, like: id }}
                  aria-label={`Add jobs like these of matrix ${id}`}
                />
              )}
            >
              Add jobs like these
            </Button>
          ) : null}
        </Group>
      </div>
      <Axes axes={matrix.axes} />
      {matrix.command === null && matrix.machine_class === null ? null : (
        <Text size="xs" c="dimmed" className="dr-matrix-command">
          {matrix.command === null ? null : <code className="dr-mono">{matrix.command}</code>}
          {matrix.machine_class === null ? null : <span>{` on class ${matrix.machine_class}`}</span>}
        </Text>
      )}
      <Progress experiment={experiment} matrix={matrix} />
      {heat === null || matrix.axes.length < 2 ? null : <MatrixHeat experiment={experiment} matrix={matrix} choice={heat} />}
    </article>
  );
}

function HeatButton({ id, open }: { readonly id: number; readonly open: boolean }) {
  return (
    <Button
      size="compact-xs"
      variant={open ? 'light' : 'default'}
      leftSection={<IconGridDots size={13} />}
      aria-label={`Heat map of matrix ${id}`}
      aria-expanded={open}
      renderRoot={(props) => (
        <Link
          {...props}
          from="/experiments/$experiment/matrices"
          search={({ before }: MatricesSearch) => ({ ...(before === undefined ? {} : { before }), ...(open ? {} : { map: id }) })}
        />
      )}
    >
      Heat map
    </Button>
  );
}

function Axes({ axes }: Pick<MatrixShape, 'axes'>) {
  return (
    <dl className="dr-axes">
      {axes.map(({ name, count, first }) => (
        <div key={name}>
          <dt className="dr-mono">{name}</dt>
          <dd className="dr-chips">
            {first.map((value, index) => (
              <span key={index} className="dr-chip dr-mono">
                <span>{value}</span>
              </span>
            ))}
            {count > first.length ? <span className="dr-num">{`and ${countText(count - first.length)} more`}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Progress({ experiment, matrix }: Pick<Props, 'experiment' | 'matrix'>) {
  const { exact, counts } = matrixCounts(matrix);
  const about = exact ? '' : '≈ ';
  const waiting = matrix.size - matrix.statuses.of;
  return (
    <>
      <div className="dr-experiment-bar">
        <ProgressBar counts={counts} />
        <Text size="xs" c="dimmed" className="dr-num" miw="9ch" ta="right" style={{ whiteSpace: 'nowrap' }}>
          {`${about}${countText(counts.done + counts.aborted)} / ${countText(counts.total)}`}
        </Text>
      </div>
      <StatusCounts experiment={experiment} counts={counts} search={{ matrix: matrix.id }} about={about}>
        <span className="dr-count dr-count-workers">
          {waiting > 0 ? `${countText(waiting)} still to be made` : null}
          {exact || waiting > 0 ? null : (
            <Tooltip label={`From ${countText(matrix.statuses.looked_at)} of its ${countText(matrix.statuses.of)} jobs, spread evenly, always the same ones`}>
              <span>from a share of its jobs</span>
            </Tooltip>
          )}
        </span>
      </StatusCounts>
    </>
  );
}
