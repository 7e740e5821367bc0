// How reads are cached and retried. Freshness comes from the live stream, not from focus or timers.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

import { ApiError } from '../contract/index.ts';
import { isUnauthenticated } from './api.ts';

const RETRIES = 3;

export function createQueryClient(onUnauthenticated: () => void): QueryClient {
  const onError = (error: unknown): void => {
    if (isUnauthenticated(error)) onUnauthenticated();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // "Offline" in a browser means no internet; the server may well be on the same desk.
        networkMode: 'always',
        staleTime: 30_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: (failures, error) => failures < RETRIES && error instanceof ApiError && error.retryable,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
}
