// What the matrices page keeps in its URL, read back with care: people edit URLs by hand.
export interface MatricesSearch {
  /** Only matrices with a smaller id: where the page begins. */
  readonly before?: number;
}

export function readMatricesSearch(raw: Record<string, unknown>): MatricesSearch {
  const before = Number(raw['before']);
  return Number.isSafeInteger(before) && before > 0 ? { before } : {};
}
