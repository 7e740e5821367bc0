// The web's fetch over the route that agents take. Apart from it, because agents do without: it needs the whole of undici.
import { fetch as undiciFetch } from 'undici';

import { createDispatcher, type Route } from './network.ts';

export function createFetch(route: Route): typeof globalThis.fetch {
  const dispatcher = createDispatcher(route);
  const fetch = (url: string, call: object): Promise<unknown> => undiciFetch(url, { ...call, dispatcher });
  return fetch as unknown as typeof globalThis.fetch;
}
