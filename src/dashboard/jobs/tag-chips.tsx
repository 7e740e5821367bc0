// Tags of a job in the list. One click narrows the list to the jobs that have the same.
import { IconTag } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { JobShape } from '../../contract/index.ts';
import { parseSearch } from '../../core/search.ts';
import { tagTerm } from '../../core/tags.ts';
import { readJobsSearch, withFilter } from './jobs-search.ts';

export function TagChips({ job }: { readonly job: JobShape }) {
  if (job.tags.length === 0) return null;
  return (
    <span className="dr-tags">
      {job.tags.map((tag) => (
        <Link
          key={tag}
          to="/experiments/$experiment/jobs"
          params={{ experiment: job.experiment }}
          search={(before) => narrowed(before, tag)}
          activeProps={{}}
          className="dr-tag"
          aria-label={`Only jobs tagged ${tag}`}
          title={tag}
        >
          <IconTag size={11} aria-hidden />
          <span>{tag}</span>
        </Link>
      ))}
    </span>
  );
}

function narrowed(before: Record<string, unknown>, tag: string) {
  const search = readJobsSearch(before);
  const words = search.search ?? '';
  const parsed = parseSearch(words);
  const isThere = 'terms' in parsed && parsed.terms.some((term) => term.kind === 'tag' && term.has && term.tag === tag);
  return withFilter(search, { search: isThere ? words : `${words} ${tagTerm(tag)}`.trim() });
}
