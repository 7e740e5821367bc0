// Next and previous pages by cursor. A cursor leads only forward, so the way back is remembered for this tab.
import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconChevronsLeft } from '@tabler/icons-react';

import { countText } from '../components/bytes.ts';
import { PAGE_SIZES, type JobsSearch } from './jobs-search.ts';

const STORED = 'drover.pages';
const MAX_STORED = 200;

interface Props {
  readonly search: JobsSearch;
  readonly size: number;
  readonly rows: number;
  readonly nextCursor: string | null;
  readonly total: { readonly count: number; readonly exact: boolean } | null;
  readonly go: (change: { cursor: string | undefined; page: number | undefined; size?: number }) => void;
}

export function Pager({ search, size, rows, nextCursor, total, go }: Props) {
  const page = search.page ?? 1;
  const from = (page - 1) * size + 1;
  const next = (): void => {
    if (nextCursor === null) return;
    rememberWay(nextCursor, search.cursor ?? '');
    go({ cursor: nextCursor, page: page + 1 });
  };
  const before = search.cursor === undefined ? undefined : readWays()[search.cursor];
  const previous = (): void => (before === undefined || before === '' ? go({ cursor: undefined, page: undefined }) : go({ cursor: before, page: page - 1 }));
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
          onChange={(event) => go({ cursor: undefined, page: undefined, size: Number(event.currentTarget.value) })}
        />
      </Group>
      <Group gap={8}>
        <Text size="xs" c="dimmed" className="dr-num" aria-live="polite">
          {rows === 0 ? '0 jobs' : `${countText(from)} to ${countText(from + rows - 1)}`}
          {total === null || rows === 0 ? '' : ` of ${countText(total.count)}${total.exact ? '' : ' or more'}`}
        </Text>
        <Button.Group>
          <Button variant="default" px={8} disabled={page === 1} onClick={() => go({ cursor: undefined, page: undefined })} aria-label="First page">
            <IconChevronsLeft size={14} />
          </Button>
          <Button variant="default" px={8} disabled={search.cursor === undefined} onClick={previous} aria-label="Previous page">
            <IconChevronLeft size={14} />
          </Button>
          <Button variant="default" px={8} disabled={nextCursor === null} onClick={next} aria-label="Next page">
            <IconChevronRight size={14} />
          </Button>
        </Button.Group>
      </Group>
    </Group>
  );
}

function readWays(): Record<string, string> {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}

function rememberWay(cursor: string, before: string): void {
  const ways = Object.entries({ ...readWays(), [cursor]: before }).slice(-MAX_STORED);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(Object.fromEntries(ways)));
  } catch {
    // Storage refused: "previous" then leads to the first page.
  }
}
