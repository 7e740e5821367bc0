// What most visits never need, a dialog for instance, is made and loaded when somebody wants it for the first time.
import { useDeferredValue, useEffect, useState, type ComponentType, type ReactElement } from 'react';

import { toastError } from './toast.ts';

/**
 * A dialog that is made when it opens for the first time: first closed and then opened, so that it knows where the focus was before and
 * gives it back.
 */
export function useMade(opened: boolean): { readonly made: boolean; readonly opened: boolean } {
  const [made, setMade] = useState(opened);
  if (opened && !made) setMade(true);
  const known = useDeferredValue(opened, false);
  return { made: made || opened, opened: opened && known };
}

interface Part<Props> {
  readonly Part: (props: Props) => ReactElement | null;
  /** To be called when there is time: whoever wants it then does not wait. */
  readonly load: () => void;
}

/**
 * A part of a page whose program is loaded when it is wanted, and which is there at once when it was loaded before: React's own `lazy`
 * would show nothing for a third of a second.
 */
export function laterPart<Props extends object>(load: () => Promise<ComponentType<Props>>): Part<Props> {
  let known: ComponentType<Props> | null = null;
  const loaded = async (): Promise<ComponentType<Props>> => (known ??= await load());
  return {
    Part: function Part(props) {
      const [Loaded, setLoaded] = useState(() => known);
      useEffect(() => {
        if (known === null) loaded().then((part) => setLoaded(() => part), toastError);
      }, []);
      return Loaded === null ? null : <Loaded {...props} />;
    },
    // What fails now is told when it is wanted.
    load: () => void loaded().catch(() => undefined),
  };
}
