// The saved states of a job: which one the next attempt goes on from, and those before it.
import { Button, Text, Tooltip } from '@mantine/core';
import { IconDownload, IconFlag3 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';

import type { ArtifactShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { artifactUrl } from '../api.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { Moment } from '../components/time.tsx';
import { queries, type JobKey } from '../queries.ts';
import { Panel } from './panel.tsx';

/** Nothing while there are none: most jobs save no state. */
export function Checkpoints({ job }: { readonly job: JobKey }) {
  const list = useQuery(queries.artifacts(job));
  const states = (list.data?.artifacts ?? []).filter((each) => each.kind === 'checkpoint').sort((a, b) => b.version - a.version);
  if (states.length === 0) return null;
  const next = states.find((each) => !each.superseded);
  return (
    <Panel title="Checkpoints" count={states.length} flush>
      <ScrollRegion label="Checkpoints, newest first" className="dr-checkpoints">
        <table className="dr-table">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Attempt</th>
              <th scope="col" className="dr-right">
                Size
              </th>
              <th scope="col">Saved</th>
              <th scope="col" className="dr-checkpoint-hash">
                SHA-256
              </th>
              <th scope="col" aria-label="Download" />
            </tr>
          </thead>
          <tbody>
            {states.map((state) => (
              <Row key={state.id} job={job} state={state} isNext={state === next} />
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {states.length >= LIMITS.checkpoints_kept.value ? (
        <Text size="xs" c="dimmed" px={14} py={6}>
          {`The newest ${LIMITS.checkpoints_kept.value} are kept.`}
        </Text>
      ) : null}
    </Panel>
  );
}

function Row({ job, state, isNext }: { readonly job: JobKey; readonly state: ArtifactShape; readonly isNext: boolean }) {
  const { version, attempt, size_bytes, created_at, sha256, superseded } = state;
  const url = artifactUrl({ ...job, name: state.name, version, kind: 'checkpoint' });
  return (
    <tr>
      <td>
        <span className="dr-checkpoint-version">
          <b className="dr-num">{version}</b>
          {isNext ? (
            <Tooltip label="The next attempt goes on from here: jd.jd_get_last_checkpoint() returns it.">
              <span className="dr-status" data-status="running">
                <IconFlag3 size={13} aria-hidden />
                newest
              </span>
            </Tooltip>
          ) : null}
          {superseded ? (
            <Tooltip label="Saved by an attempt that no longer spoke for the job; kept, but never the newest.">
              <span className="dr-status" data-status="held">
                superseded
              </span>
            </Tooltip>
          ) : null}
        </span>
      </td>
      <td className="dr-num">#{attempt}</td>
      <td className="dr-right dr-num">{bytesText(size_bytes)}</td>
      <td>
        <Moment at={created_at} />
      </td>
      <td className="dr-checkpoint-hash">
        <span className="dr-checkpoint-version">
          <span className="dr-mono">{sha256.slice(0, 10)}</span>
          <CopyIcon text={sha256} what="SHA-256" />
        </span>
      </td>
      <td className="dr-right">
        <Button
          variant="default"
          size="compact-xs"
          component="a"
          href={url}
          download={`${job.experiment}-${job.number}.checkpoint-${version}`}
          leftSection={<IconDownload size={13} />}
          aria-label={`Download checkpoint ${version}`}
        >
          Download
        </Button>
      </td>
    </tr>
  );
}
