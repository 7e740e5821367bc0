// The one way to print results. Three implementations: tables for eyes, JSON for programs, ids for pipes.
// Data goes to stdout; notes go to stderr.
import { once } from 'node:events';

import type { CliDependencies, OutputStream } from './dependencies.ts';
import { TableWriter, type Cell, type Column, type TableStyle } from './table.ts';
import { paint, printable, textWidth, type Colour } from './terminal-text.ts';

export type OutputMode = 'table' | 'json' | 'quiet';

export type Block =
  | { readonly table: { readonly columns: readonly Column[]; readonly rows: readonly (readonly Cell[])[] } }
  | { readonly fields: readonly (readonly [label: string, value: Cell])[] }
  | { readonly text: string };

/** A finished result in all three forms. */
export interface View {
  readonly json: unknown;
  readonly ids: Iterable<string>;
  readonly blocks: readonly Block[];
}

/** A result that may be long: printed while it arrives. */
export interface ListView<Item> {
  readonly items: AsyncIterable<readonly Item[]>;
  readonly json: (item: Item) => unknown;
  readonly id: (item: Item) => string;
  readonly columns: readonly Column[];
  readonly row: (item: Item) => readonly Cell[];
  /** Said on stderr when there is nothing to list. */
  readonly empty: string;
}

export interface Output {
  readonly mode: OutputMode;
  show(view: View): Promise<void>;
  list<Item>(view: ListView<Item>): Promise<void>;
  /** Bytes as they are. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** A sentence for a person, on stderr; not with --json or --quiet. */
  note(sentence: string): void;
}

type Streams = Pick<CliDependencies, 'stdout' | 'stderr' | 'env'>;

export function createOutput(mode: OutputMode, streams: Streams): Output {
  const base = {
    bytes: (bytes: Uint8Array) => write(streams.stdout, bytes),
    note: (sentence: string): void => {
      if (mode === 'table') streams.stderr.write(`${printable(sentence)}\n`);
    },
  };
  switch (mode) {
    case 'table':
      return { mode, ...base, ...tableOutput(streams.stdout, tableStyle(streams), base.note) };
    case 'json':
      return { mode, ...base, ...jsonOutput(streams.stdout) };
    case 'quiet':
      return { mode, ...base, ...quietOutput(streams.stdout) };
  }
}

type Printers = Pick<Output, 'show' | 'list'>;

function tableOutput(stdout: OutputStream, style: TableStyle, note: (sentence: string) => void): Printers {
  return {
    async show(view) {
      const parts = view.blocks.map((block) => blockLines(block, style).join('\n')).filter((part) => part !== '');
      if (parts.length > 0) await write(stdout, `${parts.join('\n\n')}\n`);
    },
    async list(view) {
      const table = new TableWriter(view.columns, style);
      let any = false;
      for await (const batch of view.items) {
        if (batch.length === 0) continue;
        any = true;
        await write(stdout, `${table.lines(batch.map(view.row)).join('\n')}\n`);
      }
      if (!any) note(view.empty);
    },
  };
}

function jsonOutput(stdout: OutputStream): Printers {
  return {
    show: (view) => write(stdout, `${JSON.stringify(view.json, null, 2)}\n`),
    async list(view) {
      let before = '[';
      for await (const batch of view.items) {
        for (const item of batch) {
          await write(stdout, `${before}\n  ${JSON.stringify(view.json(item))}`);
          before = ',';
        }
      }
      await write(stdout, before === '[' ? '[]\n' : '\n]\n');
    },
  };
}

function quietOutput(stdout: OutputStream): Printers {
  const lines = (ids: Iterable<string>): Promise<void> => write(stdout, [...ids].map((id) => `${id}\n`).join(''));
  return {
    show: (view) => lines(view.ids),
    async list(view) {
      for await (const batch of view.items) await lines(batch.map(view.id));
    },
  };
}

function blockLines(block: Block, style: TableStyle): string[] {
  if ('text' in block) return [block.text];
  if ('table' in block) return block.table.rows.length === 0 ? [] : new TableWriter(block.table.columns, style).lines(block.table.rows);
  const width = Math.max(...block.fields.map(([label]) => textWidth(label)));
  return block.fields.map(([label, value]) => {
    const text = printable(typeof value === 'string' ? value : value.text);
    const shown = typeof value !== 'string' && style.colours ? paint(text, value.colour) : text;
    return `${label}${' '.repeat(width - textWidth(label) + 2)}${shown}`.trimEnd();
  });
}

export function tableStyle({ stdout, env }: Streams): TableStyle {
  const terminal = stdout.isTTY === true;
  // A terminal that does not know its width says 0.
  return { width: terminal ? stdout.columns || 80 : null, colours: terminal && !noColour(env) };
}

export function noColour(env: CliDependencies['env']): boolean {
  return (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
}

/** Resolves when the stream can take more, so that a long list never piles up in memory. */
export async function write(stream: OutputStream, content: string | Uint8Array): Promise<void> {
  if (content.length === 0 || stream.destroyed || stream.write(content)) return;
  const done = new AbortController();
  try {
    await Promise.race([once(stream, 'drain', { signal: done.signal }), once(stream, 'close', { signal: done.signal })]);
  } finally {
    done.abort();
  }
}

export const STATUS_COLOURS: Readonly<Record<string, Colour>> = { pending: 'dim', running: 'blue', done: 'green', aborted: 'red' };
