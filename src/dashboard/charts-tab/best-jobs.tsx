// The best jobs by the chosen metric, with the params that made them.
import { ActionIcon, Button, Skeleton, Text, Title, Tooltip } from '@mantine/core';
import { IconArrowsDiff, IconFileTypeCsv } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import { JobNumber } from '../charts/chart-frame.tsx';
import { cellText, csvText } from '../charts/chart-table.ts';
import { saveCsv } from '../charts/save-file.ts';
import { withNumbers } from '../compare/compare-search.ts';
import { countText } from '../components/bytes.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { durationText } from '../components/time.tsx';
import { jobsTable } from './result-points.ts';
import type { ResultsProps } from './results.tsx';

const SHOWN = 10;

export function BestJobs({ experiment, data, choice, state }: ResultsProps) {
  const best = data?.jobs.slice(0, SHOWN) ?? [];
  const numeric = (data?.params ?? []).map((_, index) => best.every(({ params }) => typeof params[index] === 'number'));
  const { metric, value, goal } = choice;
  const which = value === 'last' ? 'last' : value === 'min' ? 'least' : 'greatest';
  return (
    <section className="dr-card dr-figure" data-wide aria-label="Best jobs">
      <header className="dr-figure-head">
        <div className="dr-figure-title">
          <Title order={2} size="h3">
            Best jobs
          </Title>
          <Text size="xs" c="dimmed" className="dr-num">
            {data === undefined ? ' ' : summaryOf(data, `${goal === 'minimise' ? 'Smallest' : 'Largest'} ${which} ${metric}`)}
          </Text>
        </div>
        <div className="dr-figure-tools">
          {best.length < 2 ? null : (
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconArrowsDiff size={14} />}
              renderRoot={(props) => (
                <Link
                  {...props}
                  to="/experiments/$experiment/compare"
                  params={{ experiment }}
                  search={withNumbers(
                    {},
                    best.map(({ number }) => number),
                  )}
                />
              )}
            >
              Compare
            </Button>
          )}
          <Tooltip label="Save as CSV">
            <ActionIcon
              aria-label="Save Best jobs as CSV"
              disabled={best.length === 0}
              onClick={() => data !== undefined && saveCsv(`${experiment}-best-jobs`, csvText(jobsTable(data, data.jobs.slice(0, 100))))}
            >
              <IconFileTypeCsv size={16} />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      {state.error === null ? null : <ErrorNotice error={state.error} retry={() => void state.refetch()} />}
      {state.isPending ? (
        <output className="dr-block" aria-label="Loading">
          <Skeleton height={180} m="md" />
        </output>
      ) : null}
      {data !== undefined && best.length === 0 ? <div className="dr-figure-empty">No job that fits has this metric.</div> : null}
      {data === undefined || best.length === 0 ? null : (
        <ScrollRegion label="Best jobs, table">
          <table className="dr-table dr-best-table dr-machine-table">
            <thead>
              <tr>
                <th className="dr-right">Place</th>
                <th className="dr-right">Job</th>
                <th className="dr-right">{metric}</th>
                {data.params.map((name, index) => (
                  <th key={name} className={numeric[index] ? 'dr-right' : undefined}>
                    {name}
                  </th>
                ))}
                <th className="dr-right">Duration</th>
              </tr>
            </thead>
            <tbody>
              {best.map((job) => (
                <tr key={job.number}>
                  <td className="dr-right dr-num">{job.place}</td>
                  <td className="dr-right">
                    <JobNumber experiment={experiment} number={job.number} />
                  </td>
                  <td className="dr-right dr-num">
                    <b>{cellText(job.values[0] ?? null)}</b>
                  </td>
                  {job.params.map((param, index) => (
                    <td
                      key={index}
                      className={numeric[index] ? 'dr-right dr-num dr-truncate' : 'dr-mono dr-truncate'}
                      style={{ maxWidth: 220 }}
                      title={cellText(param)}
                    >
                      {cellText(param)}
                    </td>
                  ))}
                  <td className="dr-right dr-num">{job.duration_ms === null ? 'running' : durationText(job.duration_ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </section>
  );
}

function summaryOf({ measured, sampled }: NonNullable<ResultsProps['data']>, what: string): string {
  const among = `${what} of ${countText(measured)} jobs that have it`;
  if (sampled.taken >= sampled.of) return among;
  return `${among}, among ${countText(sampled.taken)} of ${countText(sampled.of)} jobs, chosen evenly by their numbers`;
}
