// The last look before anything is written: what the server says it would do.
import { Alert, Button, Group, Stack, Text } from '@mantine/core';

import { LIMITS } from '../../core/limits.ts';
import { errorSentence } from '../api.ts';
import { countText } from '../components/bytes.ts';
import type { CreatedShape } from './draft.ts';
import { SampleList } from './plan-preview.tsx';

interface Props {
  readonly preview: CreatedShape;
  readonly error: unknown;
  readonly pending: boolean;
  readonly back: () => void;
  readonly create: () => void;
}

export function Review({ preview, error, pending, back, create }: Props) {
  const jobs = `${countText(preview.created)} ${preview.created === 1 ? 'job' : 'jobs'}`;
  return (
    <Stack gap="md">
      <div className="dr-diff">
        <div data-sign="+">
          <b className="dr-num">+ {jobs}</b> will be created
        </div>
        {preview.replaced === 0 ? null : (
          <div data-sign="-">
            <b className="dr-num">− {countText(preview.replaced)}</b> pending {preview.replaced === 1 ? 'job' : 'jobs'} will be deleted first
          </div>
        )}
      </div>
      <div className="dr-preview">
        {preview.created > preview.sample.length ? (
          <Text size="xs" c="dimmed">
            The first ones
          </Text>
        ) : null}
        <SampleList sample={preview.sample} size={preview.created} />
      </div>
      {preview.expanding ? (
        <Text size="sm" c="dimmed">
          A matrix of this size is filled in by the server in the background; jobs start as soon as the first ones exist.
        </Text>
      ) : null}
      {preview.replaced > LIMITS.bulk_jobs.value ? (
        <Text size="sm" c="dimmed">
          So many are deleted in pieces before the new ones are created. That takes a while; leave this page open until it is done.
        </Text>
      ) : null}
      {error === null ? null : (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(error)}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={back}>
          Back
        </Button>
        <Button color={preview.replaced > 0 ? 'red' : 'brand'} loading={pending} onClick={create} data-autofocus>
          {preview.replaced > 0 ? `Replace ${countText(preview.replaced)} and create ${jobs}` : `Create ${jobs}`}
        </Button>
      </Group>
    </Stack>
  );
}
