// What goes with a bulk action: a priority, tags, or how to cancel.
import { Checkbox, NumberInput, SegmentedControl, Stack, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { LIMITS } from '../../core/limits.ts';
import { queries } from '../queries.ts';
import type { BulkAction } from './bulk-text.ts';

export interface BulkSettings {
  readonly force: boolean;
  readonly priority: number;
  readonly tags: readonly string[];
  /** Take the tags away instead. */
  readonly untag: boolean;
}

export function bodyOf(action: BulkAction, { force, priority, tags }: BulkSettings) {
  if (action === 'cancel') return { force };
  if (isAboutTags(action)) return { tags: [...tags] };
  return action === 'set_priority' ? { priority } : {};
}

export function isAboutTags(action: BulkAction): boolean {
  return action === 'add_tags' || action === 'remove_tags';
}

/** Whether something is to be typed first. */
export function hasFields(action: BulkAction): boolean {
  return isAboutTags(action) || action === 'set_priority';
}

interface Props {
  readonly experiment: string;
  readonly action: BulkAction;
  readonly settings: BulkSettings;
  readonly change: (settings: BulkSettings) => void;
}

export function BulkFields({ experiment, action, settings, change }: Props) {
  if (isAboutTags(action)) return <TagFields experiment={experiment} settings={settings} change={change} />;
  if (action === 'cancel') {
    return (
      <Checkbox
        size="sm"
        label="Do not wait for the agents"
        description="Running jobs count as aborted at once; their programs may still run for a while."
        checked={settings.force}
        onChange={(event) => change({ ...settings, force: event.currentTarget.checked })}
      />
    );
  }
  if (action !== 'set_priority') return null;
  return (
    <NumberInput
      label="Priority"
      value={settings.priority}
      onChange={(value) => change({ ...settings, priority: typeof value === 'number' ? value : 0 })}
      allowDecimal={false}
      min={-1_000_000}
      max={1_000_000}
      w={160}
      data-autofocus
    />
  );
}

function TagFields({ experiment, settings, change }: Omit<Props, 'action'>) {
  const known = useQuery(queries.tags(experiment)).data?.tags ?? [];
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        aria-label="Add or remove"
        value={settings.untag ? 'remove' : 'add'}
        onChange={(value) => change({ ...settings, untag: value === 'remove' })}
        data={[
          { value: 'add', label: 'Add' },
          { value: 'remove', label: 'Remove' },
        ]}
      />
      <TagsInput
        label="Tags"
        description="Enter ends a tag"
        data={[...known]}
        value={[...settings.tags]}
        onChange={(tags) => change({ ...settings, tags: tags.map((tag) => tag.slice(0, LIMITS.tag_characters.value)) })}
        maxTags={LIMITS.job_tags.value}
        acceptValueOnBlur
        data-autofocus
      />
    </Stack>
  );
}
