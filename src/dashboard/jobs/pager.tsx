// Next and previous pages by cursor. A cursor leads only forward, so the way back is remembered for this tab.
import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconChevronsLeft } from '@tabler/icons-react';

import { countText } from '../components/bytes.ts';
import { knownTotal } from './jobs-page.ts';
import { PAGE_SIZES, rowsBefore, type JobsSearch } from './jobs-search.ts';
import type { JobRows } from './use-job-rows.ts';

const STORED = 'drover.pages';
const MAX_STORED = 200;

type Place = Pick<JobsSearch, 'cursor' | 'page' | 'before' | 'searched'>;

const FIRST: Place = {};

interface Props {
  readonly search: JobsSearch;
  readonly size: number;
  readonly list: JobRows;
  readonly next: () => void;
  readonly go: (place: Place, size?: number) => void;
}

export function Pager({ search, size, list, next, go }: Props) {
  const { nextCursor } = list;
  const rows = list.rows.length;
  if (rows === 0 && search.cursor === undefined) return null;
  const before = rowsBefore(search);
  const way = search.cursor === undefined ? undefined : readWays()[search.cursor];
  return (
    <Group component="nav" justify="space-between" gap="sm" className="dr-pager" aria-label="Pages">
      <Group gap={8}>
        <Text size="xs" c="dimmed" component="label" htmlFor="rows-per-page">
          Rows per page
        </Text>
        <NativeSelect
          id="rows-per-page"
          size="xs"
          w={72}
          value={String(size)}
          data={PAGE_SIZES.map(String)}
          onChange={(event) => go(FIRST, Number(event.currentTarget.value))}
        />
      </Group>
      <Group gap={8}>
        <Text size="xs" c="dimmed" className="dr-num" aria-live="polite">
          {placeText(list, before)}
        </Text>
        <Button.Group>
          <Button variant="default" px={8} disabled={search.cursor === undefined} onClick={() => go(FIRST)} aria-label="First page">
            <IconChevronsLeft size={14} />
          </Button>
          <Button variant="default" px={8} disabled={search.cursor === undefined} onClick={() => go(way ?? FIRST)} aria-label="Previous page">
            <IconChevronLeft size={14} />
          </Button>
          <Button
            variant="default"
            px={8}
            disabled={nextCursor === null}
            onClick={next}
            onPointerEnter={list.fetchNext}
            onFocus={list.fetchNext}
            aria-label="Next page"
          >
            <IconChevronRight size={14} />
          </Button>
        </Button.Group>
      </Group>
    </Group>
  );
}

function placeText({ rows, total, nextCursor, stale, error }: JobRows, before: number): string {
  if (error !== null) return '';
  if (stale) return 'Loading…';
  // Those that moved on are still shown, but no longer of this list.
  const here = rows.filter(({ left }) => !left).length;
  if (here === 0) return 'None on this page';
  const place = `${countText(before + 1)} to ${countText(before + here)}`;
  if (total === null) return place;
  const { count, exact } = knownTotal({ total, next_cursor: nextCursor }, { before, rows: here });
  return `${place} of ${countText(count)}${exact ? '' : ' or more'}`;
}

function readWays(): Record<string, Place> {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Record<string, Place>;
  } catch {
    return {};
  }
}

/** To be called when `cursor` is followed from the page of `search`. */
export function rememberWay(cursor: string, { cursor: at, page, before, searched }: JobsSearch): void {
  const place = { cursor: at, page, before, searched };
  const ways = Object.entries({ ...readWays(), [cursor]: place }).slice(-MAX_STORED);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(Object.fromEntries(ways)));
  } catch {
    // Storage refused: "previous" then leads to the first page.
  }
}
