// Keys of the page. Each place registers its own; `?` lists those that work where one is.
import { Kbd, Modal, Stack, Table, Text } from '@mantine/core';
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import { useMade } from '../components/when-wanted.tsx';

export interface Shortcut {
  /** One key, or two with a space between them: `g h`. */
  readonly keys: string;
  readonly label: string;
  readonly run: () => void;
}

type Register = (shortcuts: readonly Shortcut[]) => () => void;

interface Shortcuts {
  readonly register: Register;
  readonly showHelp: () => void;
  readonly current: () => readonly Shortcut[];
}

const NONE: Shortcuts = { register: () => () => undefined, showHelp: () => undefined, current: () => [] };

const ShortcutsContext = createContext<Shortcuts>(NONE);

/** A second key of a sequence must follow within this time: long enough for a page that is slow to paint. */
const SEQUENCE_MS = 1_500;

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const { register } = use(ShortcutsContext);
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const shape = shortcuts.map((shortcut) => `${shortcut.keys}\t${shortcut.label}`).join('\n');
  useEffect(() => {
    const stable = shape
      .split('\n')
      .filter((line) => line !== '')
      .map((line, index) => {
        const [keys, label] = line.split('\t') as [string, string];
        return { keys, label, run: () => latest.current[index]?.run() };
      });
    return register(stable);
  }, [register, shape]);
}

export function useShowHelp(): () => void {
  return use(ShortcutsContext).showHelp;
}

/** Asks which keys work at this moment. */
export function useCurrentShortcuts(): () => readonly Shortcut[] {
  return use(ShortcutsContext).current;
}

export function ShortcutsProvider({ children }: { readonly children: ReactNode }) {
  const groups = useRef(new Set<readonly Shortcut[]>());
  const [help, setHelp] = useState<readonly Shortcut[] | null>(null);
  const { made, opened } = useMade(help !== null);
  const register = useCallback<Register>((shortcuts) => {
    groups.current.add(shortcuts);
    return () => groups.current.delete(shortcuts);
  }, []);
  const current = useCallback(() => [...groups.current].flat(), []);
  const showHelp = useCallback(() => setHelp(current()), [current]);
  useEffect(() => {
    const onKey = keyHandler(() => [...current(), { keys: '?', label: 'Show these keys', run: showHelp }]);
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [current, showHelp]);
  const context = useMemo(() => ({ register, showHelp, current }), [register, showHelp, current]);
  return (
    <ShortcutsContext value={context}>
      {children}
      {made ? (
        <Modal opened={opened} onClose={() => setHelp(null)} title="Keys on this page" size="sm">
          <KeyTable shortcuts={help ?? []} />
        </Modal>
      ) : null}
    </ShortcutsContext>
  );
}

/** What stands in here has no keys of its own: they would be in the way of those of the page that it is shown on. */
export function WithoutShortcuts({ children }: { readonly children: ReactNode }) {
  return <ShortcutsContext value={NONE}>{children}</ShortcutsContext>;
}

function keyHandler(shortcuts: () => readonly Shortcut[]): (event: KeyboardEvent) => void {
  let first: { key: string; at: number } | null = null;
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role="dialog"]') !== null) return;
    const sequence = first !== null && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : null;
    const all = shortcuts();
    const match = all.find((shortcut) => shortcut.keys === sequence) ?? all.find((shortcut) => shortcut.keys === event.key);
    first = match === undefined ? { key: event.key, at: event.timeStamp } : null;
    if (match === undefined) return;
    event.preventDefault();
    match.run();
  };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

function KeyTable({ shortcuts }: { readonly shortcuts: readonly Shortcut[] }) {
  return (
    <Stack gap="xs">
      <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
        <Table.Tbody>
          {shortcuts.map((shortcut) => (
            <Table.Tr key={shortcut.keys}>
              <Table.Td w={90}>
                {shortcut.keys.split(' ').map((key) => (
                  <Kbd key={key} mr={4} size="xs">
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{shortcut.label}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed">
        Keys rest while you type in a field or a dialog is open; Esc closes a dialog.
      </Text>
    </Stack>
  );
}
