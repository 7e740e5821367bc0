// What the workforce tells the server in a sync; the loop adds who says it, and when.
import type { SyncRequestShape } from '../contract/index.ts';

export type Told = Pick<
  SyncRequestShape,
  | 'free_slots'
  | 'ahead_slots'
  | 'driven_slots'
  | 'free'
  | 'has_script'
  | 'takes_secrets'
  | 'workers'
  | 'running'
  | 'finished'
  | 'executions'
  | 'metrics'
  | 'left_slots'
>;
