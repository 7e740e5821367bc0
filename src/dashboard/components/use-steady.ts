// A function that stays the same while what it does is always the newest: rows that are given it need not render again.
import { useCallback, useLayoutEffect, useRef } from 'react';

export function useSteady<Arguments extends readonly unknown[], Result>(act: (...given: Arguments) => Result): (...given: Arguments) => Result {
  const newest = useRef(act);
  useLayoutEffect(() => {
    newest.current = act;
  });
  return useCallback((...given: Arguments) => newest.current(...given), []);
}
