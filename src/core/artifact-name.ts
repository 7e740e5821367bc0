// The name of an uploaded file: text that people read, never a part of a path.
import { LIMITS } from './limits.ts';

/** What is wrong with a name, as a sentence; null when nothing is. */
export function artifactNameProblem(name: string): string | null {
  if (name === '' || name.length > LIMITS.name_characters.value) return `A file name has 1 to ${LIMITS.name_characters.value} characters.`;
  if (name === '.' || name === '..') return 'A file name is not . or ..';
  if (/[\p{Cc}\p{Cs}\u2028\u2029/\\]/u.test(name)) return 'A file name has no /, no \\ and no control characters.';
  return null;
}
