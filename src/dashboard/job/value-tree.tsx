// Values within values as a tree that opens and closes. What is closed is not in the page, and of long lists only a part is.
import { Button } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';

import { countText } from '../components/bytes.ts';
import { branchOf, leafText, type Branch } from './tree-values.ts';

const FIRST_ENTRIES = 100;
const MORE_ENTRIES = 500;
/** What is small is open at first. */
const OPEN_DEPTH = 3;
const OPEN_ENTRIES = 24;

export function ValueTree({ value }: { readonly value: unknown }) {
  const branch = branchOf(value);
  if (branch === null) return <Leaf value={value} />;
  return (
    <div className="dr-tree">
      <Entries branch={branch} depth={0} />
    </div>
  );
}

function Entries({ branch, depth }: { readonly branch: Branch; readonly depth: number }) {
  const [shown, setShown] = useState(FIRST_ENTRIES);
  const left = branch.entries.length - shown;
  return (
    <ul>
      {branch.entries.slice(0, shown).map(([name, value]) => (
        <Entry key={name} name={name} value={value} depth={depth} isIndex={branch.isList} />
      ))}
      {left <= 0 ? null : (
        <li>
          <Button variant="subtle" size="compact-xs" onClick={() => setShown(shown + MORE_ENTRIES)}>
            {`Show ${countText(Math.min(left, MORE_ENTRIES))} more of ${countText(branch.entries.length)}`}
          </Button>
        </li>
      )}
    </ul>
  );
}

interface EntryProps {
  readonly name: string;
  readonly value: unknown;
  readonly depth: number;
  readonly isIndex: boolean;
}

function Entry({ name, value, depth, isIndex }: EntryProps) {
  const branch = branchOf(value);
  const size = branch?.entries.length ?? 0;
  const [open, setOpen] = useState(depth < OPEN_DEPTH - 1 && size <= OPEN_ENTRIES);
  const label = <span className={isIndex ? 'dr-tree-index' : 'dr-tree-name'}>{name}</span>;
  if (branch === null || size === 0) {
    return (
      <li className="dr-tree-leaf">
        {label}
        {branch === null ? <Leaf value={value} /> : <span className="dr-tree-size">{branch.isList ? 'empty list' : 'empty'}</span>}
      </li>
    );
  }
  const Arrow = open ? IconChevronDown : IconChevronRight;
  return (
    <li>
      <button type="button" className="dr-tree-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Arrow size={14} aria-hidden />
        {label}
        <span className="dr-tree-size">{`${countText(size)} ${branch.isList ? (size === 1 ? 'item' : 'items') : size === 1 ? 'entry' : 'entries'}`}</span>
      </button>
      {open ? <Entries branch={branch} depth={depth + 1} /> : null}
    </li>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const { kind, text } = leafText(value);
  return (
    <span className="dr-tree-value" data-kind={kind}>
      {text}
    </span>
  );
}
