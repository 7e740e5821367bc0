// What can be done to many jobs at once.
import { IconArrowsSort, IconBan, IconEyeOff, IconPlayerPause, IconPlayerPlay, IconRefresh, IconTags, IconTrash, type Icon } from '@tabler/icons-react';

import type { BulkAction } from './bulk-text.ts';

export interface BulkVerb {
  readonly action: BulkAction;
  readonly label: string;
  /** Before the jobs that are meant: `Hold 3 jobs`. */
  readonly verb: string;
  readonly icon: Icon;
  readonly danger: boolean;
}

export const BULK_VERBS: readonly BulkVerb[] = [
  { action: 'hold', label: 'Hold', verb: 'Hold', icon: IconPlayerPause, danger: false },
  { action: 'unhold', label: 'Let run', verb: 'Let run', icon: IconPlayerPlay, danger: false },
  { action: 'requeue', label: 'Requeue', verb: 'Requeue', icon: IconRefresh, danger: false },
  { action: 'set_priority', label: 'Priority', verb: 'Set the priority of', icon: IconArrowsSort, danger: false },
  { action: 'add_tags', label: 'Tags', verb: 'Tag', icon: IconTags, danger: false },
  { action: 'forget', label: 'Forget', verb: 'Forget', icon: IconEyeOff, danger: false },
  { action: 'cancel', label: 'Cancel', verb: 'Cancel', icon: IconBan, danger: true },
  { action: 'delete', label: 'Delete', verb: 'Delete', icon: IconTrash, danger: true },
];

/** What the same dialog may do instead. */
export const UNTAG: BulkVerb = { action: 'remove_tags', label: 'Tags', verb: 'Take tags from', icon: IconTags, danger: false };
