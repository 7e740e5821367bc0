// The small button of an icon in rows. A plain element: a table has hundreds of them.
import type { ComponentPropsWithRef } from 'react';

export function IconButton({ children, ...props }: ComponentPropsWithRef<'button'> & { readonly 'aria-label': string }) {
  return (
    <button type="button" className="dr-icon-button" {...props}>
      {children}
    </button>
  );
}
