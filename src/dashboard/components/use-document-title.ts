// The title of the browser tab.
import { useEffect } from 'react';

export function useDocumentTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Drover`;
  }, [title]);
}
