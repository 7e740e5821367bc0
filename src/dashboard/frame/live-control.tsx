// The state of the live stream, and the switch that pauses it.
import { Button, Tooltip } from '@mantine/core';
import { IconPlayerPauseFilled, IconPlayerPlayFilled, IconPlugConnectedX } from '@tabler/icons-react';

import { useLive } from '../live/live-provider.tsx';
import { useShortcuts } from './shortcuts.tsx';

export function LiveControl() {
  const { state, paused, waiting, setPaused } = useLive();
  useShortcuts([{ keys: 'p', label: paused ? 'Resume live updates' : 'Pause live updates', run: () => setPaused(!paused) }]);
  const look = describe(state, paused, waiting);
  return (
    <Tooltip label={look.hint}>
      <Button
        variant="default"
        size="compact-sm"
        className="dr-live"
        onClick={() => setPaused(!paused)}
        aria-pressed={paused}
        aria-label={`${look.label}. ${paused ? 'Resume' : 'Pause'} live updates`}
        leftSection={
          state === 'lost' && !paused ? <IconPlugConnectedX size={13} color="var(--dr-aborted)" /> : <span className="dr-live-dot" data-tone={look.tone} />
        }
        rightSection={paused ? <IconPlayerPlayFilled size={11} /> : <IconPlayerPauseFilled size={11} />}
        fw={500}
      >
        <span className="dr-live-label">{look.label}</span>
      </Button>
    </Tooltip>
  );
}

function describe(state: 'connecting' | 'live' | 'lost', paused: boolean, waiting: number): { label: string; tone: string; hint: string } {
  if (paused) {
    return {
      label: waiting === 0 ? 'Paused' : `Paused · ${waiting} new`,
      tone: 'warn',
      hint: 'The page stands still until you resume. Nothing is lost: resuming shows everything that happened.',
    };
  }
  switch (state) {
    case 'live':
      return { label: 'Live', tone: 'good', hint: 'Changes appear as they happen. Click to pause.' };
    case 'connecting':
      return { label: 'Connecting', tone: 'idle', hint: 'Opening the live stream.' };
    case 'lost':
      return { label: 'Reconnecting', tone: 'bad', hint: 'The live stream is lost; it is being opened again. What you see may be old.' };
  }
}
