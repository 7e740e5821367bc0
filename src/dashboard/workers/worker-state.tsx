// How a worker is, in words: liveness first, because one that is not heard of is never shown as idle or busy; then what it was told.
import { IconClockPlay } from '@tabler/icons-react';

import type { WorkerShape } from '../../contract/index.ts';
import { hint as hinted } from '../components/hint.tsx';
import { reasonText } from './history-text.ts';

export function WorkerState({ worker }: { readonly worker: WorkerShape }) {
  const { tone, word, hint } = stateOf(worker);
  return (
    <span className="dr-worker-state">
      <button type="button" className="dr-hint" {...hinted(hint)}>
        <span className="dr-live-dot" data-tone={tone} />
        {word}
      </button>
      <Told worker={worker} />
    </span>
  );
}

function Told({ worker }: { readonly worker: WorkerShape }) {
  if (worker.command_waits) {
    return (
      <span className="dr-status" data-status="held" title="Applied at the worker's next poll, or when its job ends">
        <IconClockPlay size={13} aria-hidden /> queued {worker.desired_state === 'run' ? 'resume' : worker.desired_state}
      </span>
    );
  }
  if (worker.desired_state === 'run' || worker.status === 'disabled') return null;
  return (
    <span className="dr-status" data-status="pending">
      {appliedWord(worker)}
    </span>
  );
}

/** What a worker does about a command that it has applied. */
function appliedWord({ desired_state, status }: WorkerShape): string {
  if (desired_state === 'pause') return 'paused';
  const busy = status === 'busy';
  return desired_state === 'drain' ? (busy ? 'draining' : 'drained') : busy ? 'stopping' : 'stopped';
}

function stateOf(worker: WorkerShape): { tone: string; word: string; hint: string } {
  if (worker.status === 'disabled') return { tone: 'idle', word: 'Disabled', hint: reasonText(worker.disabled_reason) };
  switch (worker.liveness) {
    case 'lost':
      return { tone: 'bad', word: 'Lost', hint: 'Nothing was heard of it for so long that its jobs went back into the queue.' };
    case 'suspect':
      return { tone: 'warn', word: 'Silent', hint: 'It missed its last reports. Its job is left alone; it gets no new one until it is heard again.' };
    case 'alive':
      return worker.status === 'busy' ? { tone: 'busy', word: 'Busy', hint: 'It runs a job.' } : { tone: 'good', word: 'Idle', hint: 'It waits for a job.' };
  }
}
