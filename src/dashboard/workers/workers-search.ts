// What the workers page keeps in its URL.
export interface WorkersSearch {
  readonly state?: 'disabled';
  readonly search?: string;
}

export function readWorkersSearch(raw: Record<string, unknown>): WorkersSearch {
  return {
    ...(raw['state'] === 'disabled' ? { state: 'disabled' as const } : {}),
    ...(typeof raw['search'] === 'string' && raw['search'] !== '' ? { search: raw['search'] } : {}),
  };
}
