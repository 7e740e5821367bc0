// The Settings tab. Who may only look sees the values and no controls.
import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { queries } from '../queries.ts';
import { KeysSection } from '../settings/keys.tsx';
import { PinSection } from '../settings/pin.tsx';
import { DangerSection, QueueSection } from '../settings/queue-and-danger.tsx';
import { RetrySection } from '../settings/retry-settings.tsx';
import { VariablesSection } from '../settings/variables.tsx';

export function SettingsPage() {
  const { experiment: name } = useParams({ from: '/frame/experiments/$experiment/tabs/settings' });
  useDocumentTitle(`${name} · Settings`);
  const experiment = useQuery(queries.experiment(name));
  const rights = useRights();
  if (experiment.data === undefined) return <LoadingRows rows={4} height={80} />;
  return (
    <Stack gap="md" maw={980}>
      {rights.operate ? <PinSection experiment={name} /> : null}
      <RetrySection experiment={experiment.data} editable={rights.operate} />
      <VariablesSection experiment={name} rights={rights} />
      {rights.operate ? <QueueSection experiment={experiment.data} /> : null}
      {rights.own ? <KeysSection experiment={name} /> : null}
      {rights.own ? <DangerSection experiment={experiment.data} /> : null}
    </Stack>
  );
}
