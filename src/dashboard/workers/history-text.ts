// What happened to a worker, in words.
import type { contract } from '../../contract/index.ts';
import { COMMAND_WORD } from './command-words.ts';
import type { z } from 'zod';

export type HistoryEntry = z.output<typeof contract.workers.history.reply>['entries'][number];
type EventEntry = Extract<HistoryEntry, { what: 'event' }>;

const REASONS: Record<string, string> = {
  'no sync': 'It stopped polling: the machine or the agent went away, or the network did.',
  'scaled down': 'Its agent was started again with fewer workers.',
  'stopped on its machine': 'It was stopped or drained on its own machine; other workers of its agent go on.',
  revoked: 'Its agent was revoked.',
  stopped: 'Its agent was stopped, or left when nothing was left to do.',
};

/** Why a worker is disabled. */
export function reasonText(reason: string | null): string {
  return reason === null ? 'It stopped polling.' : (REASONS[reason] ?? reason);
}

export interface EventText {
  readonly title: string;
  readonly detail: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'plain';
}

export function eventText({ kind, data }: EventEntry): EventText {
  const plain = (title: string, detail = ''): EventText => ({ title, detail, tone: 'plain' });
  switch (kind) {
    case 'agent_registered':
      return { title: data['again'] === true ? 'Agent started again' : 'Registered', detail: registered(data), tone: 'good' };
    case 'worker_registered':
      return { title: 'Called back on its machine', detail: 'It is active again.', tone: 'good' };
    case 'agent_suspect':
      return { title: 'Fell silent', detail: 'It gets no new job until it is heard again.', tone: 'warn' };
    case 'agent_lost':
      return { title: 'Disabled: it stopped polling', detail: 'Its jobs went back into the queue.', tone: 'bad' };
    case 'agent_returned':
      return { title: 'Heard again', detail: data['was'] === 'suspect' ? '' : 'It is active again.', tone: 'good' };
    case 'agent_left':
      return plain('Disabled: its agent left', typeof data['reason'] === 'string' ? reasonText(data['reason']) : '');
    case 'agent_revoked':
      return { title: 'Disabled: its agent was revoked', detail: '', tone: 'bad' };
    case 'worker_disabled':
      return plain('Disabled', typeof data['reason'] === 'string' ? reasonText(data['reason']) : '');
    case 'worker_commanded':
      return plain(`${commandWord(data['action'])} queued`, many(data['count']));
    case 'worker_command_cancelled':
      return plain('Queued command cancelled', many(data['count']));
    case 'worker_command_applied':
      return plain(`${commandWord(data['action'])} applied`);
    default:
      return plain(kind.replaceAll('_', ' '));
  }
}

function registered(data: EventEntry['data']): string {
  const parts = [
    typeof data['workers'] === 'number' ? `${data['workers']} ${data['workers'] === 1 ? 'worker' : 'workers'}` : null,
    typeof data['process_id'] === 'number' ? `process ${data['process_id']}` : null,
    typeof data['version'] === 'string' ? `version ${data['version']}` : null,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

function commandWord(action: unknown): string {
  return typeof action === 'string' && action in COMMAND_WORD ? COMMAND_WORD[action as keyof typeof COMMAND_WORD] : 'Command';
}

function many(count: unknown): string {
  return typeof count === 'number' && count > 1 ? `together with ${count - 1} ${count === 2 ? 'other' : 'others'}` : '';
}
