// The command palette: one field from which every place and every action of the page can be reached.
import { Kbd, UnstyledButton, Group } from '@mantine/core';
import { openSpotlight, Spotlight } from '@mantine/spotlight';
import { IconBriefcase, IconBolt, IconFlask, IconSearch, type Icon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { queries } from '../queries.ts';
import { type Entry, paletteEntries, type Target } from './palette-entries.ts';
import { type Shortcut, useCurrentShortcuts, useShortcuts } from './shortcuts.tsx';

const ICONS: Record<Target['kind'], Icon> = { shortcut: IconBolt, experiment: IconFlask, job: IconBriefcase, search: IconSearch };

/** Told among the keys of the page; Spotlight listens for it itself. Macs have another key for it. */
const KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ K' : 'Ctrl K';

export function PaletteButton() {
  return (
    <UnstyledButton className="dr-palette-button" onClick={openSpotlight} aria-haspopup="dialog">
      <IconSearch size={15} aria-hidden />
      <span className="dr-palette-words">Search or jump to …</span>
      <Kbd size="xs" className="dr-palette-words">
        {KEYS}
      </Kbd>
    </UnstyledButton>
  );
}

export function Palette() {
  const [query, setQuery] = useState('');
  const [shortcuts, setShortcuts] = useState<readonly Shortcut[]>([]);
  const [isOpen, setOpen] = useState(false);
  const current = useCurrentShortcuts();
  const open = useOpen();
  const { experiment } = useParams({ strict: false });
  const experiments = useQuery({ ...queries.experiments(), enabled: isOpen });
  useShortcuts([{ keys: KEYS, label: 'Search or jump to …', run: openSpotlight }]);
  const others = shortcuts.filter(({ keys }) => keys !== KEYS);
  const groups = paletteEntries({ query, experiment: experiment ?? null, experiments: experiments.data?.experiments ?? [], shortcuts: others });
  return (
    <Spotlight.Root
      {...{ query, size: 560, scrollable: true, maxHeight: 420, yOffset: '14vh', shortcut: 'mod + K', tagsToIgnore: [] }}
      attributes={{ content: { 'aria-label': 'Search or jump to' } }}
      onQueryChange={setQuery}
      onSpotlightOpen={() => {
        setShortcuts(current());
        setOpen(true);
      }}
      onSpotlightClose={() => setOpen(false)}
    >
      <Spotlight.Search
        placeholder="An experiment, a job as 42 or tune/42, an action …"
        aria-label="Search or jump to"
        leftSection={<IconSearch size={18} stroke={1.6} />}
      />
      <Spotlight.ActionsList>
        {groups.map(({ group, entries }) => (
          <Spotlight.ActionsGroup key={group} label={group}>
            {entries.map((entry) => (
              <PaletteAction key={entry.id} entry={entry} onTrigger={() => open(entry.target)} />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {groups.length === 0 ? <Spotlight.Empty>Nothing here is called that.</Spotlight.Empty> : null}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function PaletteAction({ entry, onTrigger }: { readonly entry: Entry; readonly onTrigger: () => void }) {
  const { target, label, description } = entry;
  const Symbol = ICONS[target.kind];
  const keys = target.kind === 'shortcut' ? target.shortcut.keys.split(' ') : [];
  return (
    <Spotlight.Action
      {...{ label, onClick: onTrigger }}
      {...(description === undefined ? {} : { description })}
      leftSection={<Symbol size={17} stroke={1.7} aria-hidden />}
      rightSection={
        <Group gap={4} wrap="nowrap">
          {keys.map((key) => (
            <Kbd key={key} size="xs">
              {key}
            </Kbd>
          ))}
        </Group>
      }
    />
  );
}

function useOpen(): (target: Target) => void {
  const navigate = useNavigate();
  return (target) => {
    switch (target.kind) {
      case 'shortcut':
        return target.shortcut.run();
      case 'experiment':
        return void navigate({ to: '/experiments/$experiment/jobs', params: { experiment: target.experiment } });
      case 'job':
        return void navigate({ to: '/experiments/$experiment/jobs/$number', params: { experiment: target.experiment, number: String(target.number) } });
      case 'search':
        return void navigate({ to: '/experiments/$experiment/jobs', params: { experiment: target.experiment }, search: { search: target.text } });
    }
  };
}
