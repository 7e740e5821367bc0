// What the pages of a browser and the worker that they share tell one another.
import type { LiveState } from './event-connection.ts';

export const EVENTS_URL = '/api/v1/events';

export type PageMessage =
  /** First of all, and whenever it changes: whether somebody looks at the page. */
  | { readonly kind: 'watch'; readonly visible: boolean }
  /** The page is being closed, or put away. */
  | { readonly kind: 'leave' }
  /** The session has ended: what was opened with it must not go on. */
  | { readonly kind: 'renew' };

export type WorkerMessage =
  | { readonly kind: 'state'; readonly state: LiveState }
  | { readonly kind: 'event'; readonly data: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'refused' };
