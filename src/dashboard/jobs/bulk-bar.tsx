// What can be done to the selected jobs. It stays in sight while one scrolls.
import { Button, CloseButton, Menu } from '@mantine/core';
import { IconArrowsDiff, IconChevronUp, IconDownload } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { LIMITS } from '../../core/limits.ts';
import { withNumbers } from '../compare/compare-search.ts';
import { countText } from '../components/bytes.ts';
import { BulkDialog } from './bulk-dialog.tsx';
import { BULK_VERBS, type BulkVerb } from './bulk-verbs.ts';
import { ExportMenu } from './export-menu.tsx';
import { isFull, namedJobs, selectedCount, type Selection } from './selection.ts';
import type { Selecting } from './use-selection.ts';

interface Props {
  readonly experiment: string;
  readonly selecting: Selecting;
  readonly metrics: readonly string[];
  readonly mayOperate: boolean;
}

export function BulkBar({ experiment, selecting, metrics, mayOperate }: Props) {
  const { selection, selectAll, clear } = selecting;
  const [verb, setVerb] = useState<BulkVerb | null>(null);
  const count = selectedCount(selection);
  if (count === 0) return null;
  const filter = namedJobs(selection);
  const exact = selection.kind === 'numbers' || selection.exact;
  return (
    <section className="dr-bulk-bar" aria-label="Selected jobs">
      <output>
        <b className="dr-num">{countText(count)}</b>
        {exact ? '' : ' or more'} selected{isFull(selection) ? ', the most that is selected one by one' : ''}
      </output>
      {selection.kind === 'filter' || selectAll === null ? null : (
        <Button variant="subtle" size="compact-xs" onClick={selectAll}>
          Select all that fit
        </Button>
      )}
      <span className="dr-bulk-verbs">
        {mayOperate ? <Verbs choose={setVerb} /> : null}
        <CompareButton experiment={experiment} selection={selection} />
        <ExportMenu experiment={experiment} filter={filter} metrics={metrics} title="Export the selected jobs">
          <Button variant="default" size="compact-sm" leftSection={<IconDownload size={14} />}>
            Export
          </Button>
        </ExportMenu>
        <CloseButton size="sm" onClick={clear} aria-label="Select nothing" />
      </span>
      <BulkDialog experiment={experiment} filter={filter} verb={verb} close={() => setVerb(null)} onDone={clear} />
    </section>
  );
}

function CompareButton({ experiment, selection }: { readonly experiment: string; readonly selection: Selection }) {
  if (selection.kind !== 'numbers' || selection.numbers.size < 2 || selection.numbers.size > LIMITS.compared_jobs.value) return null;
  const numbers = [...selection.numbers];
  return (
    <Button
      variant="default"
      size="compact-sm"
      leftSection={<IconArrowsDiff size={14} />}
      renderRoot={(props) => <Link {...props} to="/experiments/$experiment/compare" params={{ experiment }} search={withNumbers({}, numbers)} />}
    >
      Compare
    </Button>
  );
}

function Verbs({ choose }: { readonly choose: (verb: BulkVerb) => void }) {
  return (
    <>
      <span className="dr-bulk-wide">
        {BULK_VERBS.map((verb) => (
          <Button
            key={verb.action}
            variant="default"
            size="compact-sm"
            leftSection={<verb.icon size={14} />}
            onClick={() => choose(verb)}
            {...(verb.danger ? { c: 'red' } : {})}
          >
            {verb.label}
          </Button>
        ))}
      </span>
      <span className="dr-bulk-narrow">
        <Menu position="top-end" width={190} shadow="md">
          <Menu.Target>
            <Button size="compact-sm" rightSection={<IconChevronUp size={14} />}>
              Actions
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {BULK_VERBS.map((verb) => (
              <Menu.Item key={verb.action} leftSection={<verb.icon size={15} />} onClick={() => choose(verb)} {...(verb.danger ? { color: 'red' } : {})}>
                {verb.label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </span>
    </>
  );
}
