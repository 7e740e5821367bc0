// A button that opens a menu. The menu itself is made when somebody opens it for the first time: a table has hundreds of them.
import { Menu } from '@mantine/core';
import { useId, useLayoutEffect, useState, type ReactNode, type RefCallback } from 'react';

interface Props {
  readonly label: string;
  readonly width: number;
  readonly size?: 'sm' | 'md' | 'text';
  /** What stands in the button. */
  readonly face: ReactNode;
  /** The items; asked for while the menu is open. */
  readonly children: () => ReactNode;
}

export function MenuButton({ label, width, size = 'sm', face, children }: Props) {
  const [state, setState] = useState<'unused' | 'open' | 'closed'>('unused');
  const [opener, setOpener] = useState<HTMLButtonElement | null>(null);
  const id = useId();
  const close = (): void => {
    setState('closed');
    opener?.focus({ preventScroll: true });
  };
  return (
    <>
      <button
        type="button"
        ref={setOpener}
        id={id}
        className="dr-icon-button"
        data-size={size}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={state === 'open'}
        onClick={() => (state === 'open' ? close() : setState('open'))}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' || state === 'open') return;
          event.preventDefault();
          setState('open');
        }}
      >
        {face}
      </button>
      {state === 'unused' ? null : (
        <Menu id={id} opened={state === 'open'} onClose={close} returnFocus={false} position="bottom-end" width={width} shadow="md">
          <Menu.Target>
            <Standing node={opener} />
          </Menu.Target>
          <Menu.Dropdown>{state === 'open' ? children() : null}</Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}

/** Tells the menu which element it belongs to: one that was there before it. */
function Standing({ ref, node }: { readonly ref?: RefCallback<HTMLElement>; readonly node: HTMLElement | null }) {
  useLayoutEffect(() => {
    ref?.(node);
  }, [ref, node]);
  return null;
}
