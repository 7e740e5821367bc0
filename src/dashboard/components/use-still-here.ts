// Whether the reader is still on the page that was shown, or already on the way to another one: what is due a moment after they typed
// must not call them back.
import { useRouter } from '@tanstack/react-router';
import { useCallback } from 'react';

export function useStillHere(path: string): () => boolean {
  const router = useRouter();
  return useCallback(() => router.latestLocation.pathname === path, [router, path]);
}
