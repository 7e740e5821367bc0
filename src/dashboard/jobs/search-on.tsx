// What stands where a list is short because the server has not looked at all jobs yet: how far it is, and the way on.
import { Button, Group, Text } from '@mantine/core';
import { IconArrowDown, IconListSearch } from '@tabler/icons-react';

import { countText } from '../components/bytes.ts';
import { Empty } from '../components/states.tsx';

export interface SearchState {
  /** Jobs looked at so far, at least; null: nobody knows in this order. */
  readonly searched: number | null;
  /** Rows found so far, on all pages. */
  readonly found: number;
  /** The answer is on its way. */
  readonly busy: boolean;
  readonly goOn: () => void;
}

/** Below the rows of a page that is not full. */
export function FoundSoFar(state: SearchState) {
  return (
    <div className="dr-search-on">
      <output>
        {placeText(state.searched)}, {countText(state.found)} found so far
      </output>
      <GoOn {...state} />
    </div>
  );
}

/** In place of the rows. */
export function NothingYet({ clear, ...state }: SearchState & { readonly clear: () => void }) {
  return (
    <Empty
      icon={IconListSearch}
      title={`${placeText(state.searched)}, ${state.found === 0 ? 'nothing yet' : `nothing beyond the ${countText(state.found)} on the pages before`}`}
    >
      <Text size="sm" c="dimmed" maw={460}>
        There are more: so many jobs are searched a part at a time.
      </Text>
      <Group gap="xs" mt="xs">
        <GoOn {...state} />
        <Button variant="default" onClick={clear}>
          Show all jobs
        </Button>
      </Group>
    </Empty>
  );
}

function placeText(searched: number | null): string {
  return searched === null ? 'Searched a part of the jobs' : `Searched the first ${countText(searched)} jobs`;
}

/** Never disabled, so that who goes on by keyboard keeps the focus on it. */
function GoOn({ busy, goOn }: Pick<SearchState, 'busy' | 'goOn'>) {
  return (
    <Button variant="light" leftSection={<IconArrowDown size={14} />} onClick={goOn} aria-busy={busy}>
      {busy ? 'Searching…' : 'Search on'}
    </Button>
  );
}
