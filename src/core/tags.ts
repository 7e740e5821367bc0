// Tags of a job: short texts, each once, in the order in which they came.
import { LIMITS } from './limits.ts';

/** Null: they would be too many. */
export function withTags(tags: readonly string[], added: readonly string[]): readonly string[] | null {
  const all = [...new Set([...tags, ...added])];
  return all.length > LIMITS.job_tags.value && all.length > tags.length ? null : all;
}

export function withoutTags(tags: readonly string[], removed: readonly string[]): readonly string[] {
  return tags.filter((tag) => !removed.includes(tag));
}

/** How one searches for it: `tag:best`, `tag:"two words"`. */
export function tagTerm(tag: string): string {
  return /^[^\s"\\]+$/.test(tag) ? `tag:${tag}` : `tag:"${tag.replace(/["\\]/g, '\\$&')}"`;
}
