// Copying text. The clipboard API exists only in secure contexts; over plain HTTP a hidden text area does the same.
import { UnstyledButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';

import { hint } from './hint.tsx';
import { IconButton } from './icon-button.tsx';
import { toastCopyByHand } from './toast.ts';

const SHOWN_MS = 1_500;

export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext && navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Permission denied: the old way may still work.
    }
  }
  return copyBySelection(text);
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.setAttribute('readonly', '');
  area.style.position = 'fixed';
  area.style.opacity = '0';
  // Inside an open dialog, so that its focus trap does not take the selection away.
  const parent = focused?.closest('[role="dialog"]') ?? document.body;
  parent.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}

function useCopied(text: string): { copied: boolean; copy: () => void } {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void copyText(text).then((done) => {
      if (!done) {
        toastCopyByHand(text);
        return;
      }
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    });
  };
  return { copied, copy };
}

export function CopyIcon({ text, what }: { readonly text: string; readonly what: string }) {
  const { copied, copy } = useCopied(text);
  return (
    <IconButton onClick={copy} aria-label={`Copy ${what}`} {...hint(copied ? 'Copied' : `Copy ${what}`)}>
      {copied ? <IconCheck size={14} color="var(--dr-done)" /> : <IconCopy size={14} />}
    </IconButton>
  );
}

/** Lines end between words, not at the dashes of an option. */
function unbroken(text: string) {
  return text.split(/(\s+)/).map((word, index) => (index % 2 === 1 ? word : <span key={index}>{word}</span>));
}

/** A command line to copy with one click. */
export function CommandLine({ text }: { readonly text: string }) {
  const { copied, copy } = useCopied(text);
  return (
    <UnstyledButton className="dr-command" onClick={copy} aria-label={`Copy command: ${text}`}>
      <span className="dr-command-prompt" aria-hidden>
        $
      </span>
      <code>{unbroken(text)}</code>
      <span className="dr-command-copy">{copied ? <IconCheck size={14} color="var(--dr-done)" /> : <IconCopy size={14} />}</span>
    </UnstyledButton>
  );
}
