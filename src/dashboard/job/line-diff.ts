// What differs between two texts, line by line: the shortest way from one to the other (Myers), with the lines around each change.

export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  /** Numbers of the line in the older and in the newer text; null where it is not there. */
  readonly before: number | null;
  readonly after: number | null;
}

export interface LineDiff {
  /** Stretches with a change, each with the lines around it. */
  readonly hunks: readonly (readonly DiffLine[])[];
  readonly added: number;
  readonly removed: number;
}

const AROUND = 3;

/** Null when the texts differ in more than `most` lines: to look for the shortest way would take too long. */
export function lineDiff(before: string, after: string, most: number): LineDiff | null {
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = shortestWay(a.slice(head, a.length - tail), b.slice(head, b.length - tail), most);
  if (middle === null) return null;
  const lines: DiffLine[] = [];
  const same = (from: number, to: number, at: number): void => {
    for (let index = from; index < to; index += 1) lines.push({ kind: 'same', text: a[index]!, before: index + 1, after: index + 1 + at });
  };
  same(0, head, 0);
  let [i, j] = [head, head];
  for (const kind of middle) {
    if (kind === 'same') lines.push({ kind, text: a[i]!, before: i + 1, after: j + 1 });
    else if (kind === 'removed') lines.push({ kind, text: a[i]!, before: i + 1, after: null });
    else lines.push({ kind, text: b[j]!, before: null, after: j + 1 });
    if (kind !== 'added') i += 1;
    if (kind !== 'removed') j += 1;
  }
  same(a.length - tail, a.length, b.length - a.length);
  const count = (kind: DiffLine['kind']): number => lines.filter((line) => line.kind === kind).length;
  return { hunks: hunksOf(lines), added: count('added'), removed: count('removed') };
}

/** A newline at the end ends the last line and begins none. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function shortestWay(a: readonly string[], b: readonly string[], most: number): DiffLine['kind'][] | null {
  const [rows, columns] = [a.length, b.length];
  const bound = Math.min(rows + columns, most);
  /** How far each diagonal reaches after so many changes; kept for every number of changes, to find the way back. */
  const reached: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  for (let changes = 0; changes <= bound; changes += 1) {
    const next = new Map<number, number>();
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      const down = diagonal === -changes || (diagonal !== changes && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
      let x = down ? (reach.get(diagonal + 1) ?? 0) : (reach.get(diagonal - 1) ?? 0) + 1;
      while (x < rows && x - diagonal < columns && a[x] === b[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= rows && x - diagonal >= columns) return wayBack([...reached, reach], rows, columns);
    }
    reached.push(reach);
    reach = next;
  }
  return null;
}

function wayBack(reached: readonly ReadonlyMap<number, number>[], rows: number, columns: number): DiffLine['kind'][] {
  const way: DiffLine['kind'][] = [];
  let [x, y] = [rows, columns];
  for (let changes = reached.length - 1; changes >= 0; changes -= 1) {
    const reach = reached[changes]!;
    const diagonal = x - y;
    const down = diagonal === -changes || (diagonal !== changes && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
    const from = down ? diagonal + 1 : diagonal - 1;
    const startX = reach.get(from) ?? 0;
    const startY = startX - from;
    while (x > startX && y > startY && x > 0 && y > 0) {
      way.push('same');
      [x, y] = [x - 1, y - 1];
    }
    if (changes === 0) break;
    way.push(down ? 'added' : 'removed');
    [x, y] = [startX, startY];
  }
  return way.reverse();
}

function hunksOf(lines: readonly DiffLine[]): DiffLine[][] {
  const hunks: DiffLine[][] = [];
  let shownTo = -1;
  lines.forEach((line, index) => {
    if (line.kind === 'same') return;
    const from = Math.max(shownTo + 1, index - AROUND);
    const to = Math.min(lines.length - 1, index + AROUND);
    if (from > shownTo + 1 || hunks.length === 0) hunks.push([]);
    hunks.at(-1)!.push(...lines.slice(from, to + 1));
    shownTo = Math.max(shownTo, to);
  });
  return hunks;
}
