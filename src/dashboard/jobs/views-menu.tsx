// Saved views beside the search: shown with a click, and for those who may saved, renamed, brought up to date and deleted.
import { ActionIcon, Alert, Button, Group, Popover, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconBookmark, IconChevronDown, IconPencil, IconRefresh, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';

import type { JobView, SavedViewShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { api, errorSentence } from '../api.ts';
import { useConfirm } from '../components/confirm.tsx';
import { toastDone } from '../components/toast.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { queries } from '../queries.ts';
import type { ColumnId } from './columns.ts';
import type { JobsSearch } from './jobs-search.ts';
import { isShown, searchOfView, viewOfSearch } from './views.ts';

interface Props {
  readonly experiment: string;
  readonly search: JobsSearch;
  readonly columns: readonly ColumnId[];
}

export function ViewsMenu(props: Props) {
  const { experiment, search, columns } = props;
  const [opened, setOpened] = useState(false);
  const views = useQuery(queries.views(experiment)).data?.views ?? [];
  useShortcuts([{ keys: 'v', label: 'Saved views', run: () => setOpened(true) }]);
  const shown = views.find(({ view }) => isShown(view, search, columns));
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" width={330} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          className="dr-views-button"
          leftSection={<IconBookmark size={14} />}
          rightSection={<IconChevronDown size={13} />}
          onClick={() => setOpened(!opened)}
          aria-label={shown === undefined ? 'Saved views' : `Saved views, ${shown.name} is shown`}
        >
          {shown?.name ?? 'Views'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={0}>{opened ? <Views {...props} views={views} shown={shown} close={() => setOpened(false)} /> : null}</Popover.Dropdown>
    </Popover>
  );
}

interface ViewsProps extends Props {
  readonly views: readonly SavedViewShape[];
  readonly shown: SavedViewShape | undefined;
  readonly close: () => void;
}

function Views({ experiment, search, columns, views, shown, close }: ViewsProps) {
  const { operate } = useRights();
  const current = viewOfSearch(search, columns);
  return (
    <>
      {views.length === 0 ? (
        <Text size="sm" c="dimmed" p={12}>
          A view keeps a filter, an order and columns under a name, for all who see this experiment.
        </Text>
      ) : (
        <ul className="dr-views">
          {views.map((view) => (
            <ViewRow
              key={view.id}
              experiment={experiment}
              view={view}
              isShown={view === shown}
              size={search.size}
              current={operate ? current : null}
              close={close}
            />
          ))}
        </ul>
      )}
      {operate ? <SaveView experiment={experiment} view={current} close={close} /> : null}
    </>
  );
}

interface RowProps {
  readonly experiment: string;
  readonly view: SavedViewShape;
  readonly isShown: boolean;
  readonly size: number | undefined;
  /** What is shown now; null for those who may not change views. */
  readonly current: JobView | null;
  readonly close: () => void;
}

function ViewRow({ experiment, view, isShown: isOn, size, current, close }: RowProps) {
  const [renaming, setRenaming] = useState(false);
  const refresh = useRefresh(experiment);
  const confirm = useConfirm();
  const params = { experiment, view_id: view.id };
  if (renaming) {
    const rename = async (name: string): Promise<void> => {
      await api.views.change({ params, body: { name } });
      setRenaming(false);
      await refresh();
    };
    return (
      <li>
        <NameForm label={`New name of ${view.name}`} initial={view.name} action="Rename" submit={rename} cancel={() => setRenaming(false)} />
      </li>
    );
  }
  const update = (): void =>
    confirm({
      title: `Update ${view.name}?`,
      body: 'From now on it shows, to everybody, the filter, order and columns that you see.',
      action: 'Update the view',
      run: async () => {
        await api.views.change({ params, body: { view: current! } });
        await refresh();
      },
    });
  const remove = (): void =>
    confirm({
      title: `Delete ${view.name}?`,
      body: 'The view is deleted for everybody; the jobs stay.',
      action: 'Delete the view',
      danger: true,
      run: async () => {
        await api.views.remove({ params });
        await refresh();
      },
    });
  return (
    <li data-on={isOn ? true : undefined}>
      <Link
        to="/experiments/$experiment/jobs"
        params={{ experiment }}
        search={searchOfView(view.view, size)}
        activeProps={{}}
        aria-current={isOn ? 'true' : undefined}
        title={view.name}
        onClick={close}
      >
        {view.name}
      </Link>
      {current === null ? null : (
        <>
          {isOn ? null : <Tool label={`Update ${view.name} to what is shown`} icon={<IconRefresh size={15} />} run={update} />}
          <Tool label={`Rename ${view.name}`} icon={<IconPencil size={15} />} run={() => setRenaming(true)} />
          <Tool label={`Delete ${view.name}`} icon={<IconTrash size={15} />} run={remove} />
        </>
      )}
    </li>
  );
}

function Tool({ label, icon, run }: { readonly label: string; readonly icon: ReactNode; readonly run: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon size="sm" aria-label={label} onClick={run}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

function SaveView({ experiment, view, close }: { readonly experiment: string; readonly view: JobView; readonly close: () => void }) {
  const refresh = useRefresh(experiment);
  const save = async (name: string): Promise<void> => {
    await api.views.create({ params: { experiment }, body: { name, view } });
    toastDone(`Saved the view ${name}`);
    close();
    await refresh();
  };
  return (
    <div className="dr-views-save">
      <NameForm label="Save what is shown as" initial="" action="Save" submit={save} />
    </div>
  );
}

interface NameFormProps {
  readonly label: string;
  readonly initial: string;
  readonly action: string;
  readonly submit: (name: string) => Promise<void>;
  readonly cancel?: () => void;
}

function NameForm({ label, initial, action, submit, cancel }: NameFormProps) {
  const [name, setName] = useState(initial);
  const sent = useMutation({ mutationFn: () => submit(name.trim()) });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== '') sent.mutate();
      }}
    >
      <Stack gap={6}>
        <Group gap={6} align="flex-end" wrap="nowrap">
          <TextInput
            size="xs"
            flex={1}
            label={label}
            value={name}
            maxLength={LIMITS.name_characters.value}
            onChange={(event) => setName(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape' || cancel === undefined) return;
              event.stopPropagation();
              cancel();
            }}
            data-autofocus={cancel === undefined ? undefined : true}
          />
          <Button type="submit" loading={sent.isPending} disabled={name.trim() === ''}>
            {action}
          </Button>
        </Group>
        {sent.isError ? (
          <Alert color="red" variant="light" role="alert" p={8}>
            {errorSentence(sent.error)}
          </Alert>
        ) : null}
      </Stack>
    </form>
  );
}

function useRefresh(experiment: string): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ['views', experiment] });
}
