// How many rows of a list would change their place: the fewest that must move for the rest to stand in the new order.

/** Rows that only one of the orders has do not count. */
export function movedRows(before: readonly number[], after: readonly number[]): number {
  const places = new Map(after.map((number, place) => [number, place]));
  const common = before.map((number) => places.get(number)).filter((place) => place !== undefined);
  // The last places of the best rising runs of each length (the longest of them need not move).
  const ends: number[] = [];
  for (const place of common) {
    const at = ends.findIndex((end) => end >= place);
    if (at === -1) ends.push(place);
    else ends[at] = place;
  }
  return common.length - ends.length;
}
