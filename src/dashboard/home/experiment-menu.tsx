// What the owner of an experiment does with it from the home page: look up its PIN, go to its settings, delete it.
import { ActionIcon, Menu, Modal, Stack, Text } from '@mantine/core';
import { IconDotsVertical, IconKey, IconSettings, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { ExperimentShape } from '../../contract/index.ts';
import { ShownPin } from '../settings/pin.tsx';
import { DeleteExperiment, deletionText } from '../settings/queue-and-danger.tsx';

export function ExperimentMenu({ experiment }: { readonly experiment: ExperimentShape }) {
  const { name } = experiment;
  const [opened, setOpened] = useState<'pin' | 'delete' | null>(null);
  const close = (): void => setOpened(null);
  return (
    <>
      <Menu position="bottom-end" width={190} shadow="md">
        <Menu.Target>
          <ActionIcon size="sm" aria-label={`More about ${name}`}>
            <IconDotsVertical size={15} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconKey size={15} />} onClick={() => setOpened('pin')}>
            Dashboard PIN…
          </Menu.Item>
          <Menu.Item
            leftSection={<IconSettings size={15} />}
            renderRoot={(props) => <Link {...props} to="/experiments/$experiment/settings" params={{ experiment: name }} />}
          >
            Settings
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => setOpened('delete')}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={opened === 'pin'} onClose={close} title={`PIN of ${name}`} size="sm">
        <Stack gap="sm">
          <Text size="sm">Six digits that open the dashboard of this experiment alone.</Text>
          <ShownPin experiment={name} />
        </Stack>
      </Modal>
      <Modal opened={opened === 'delete'} onClose={close} title={`Delete ${name}?`} size="md">
        <Stack gap="sm">
          <Text size="sm">{deletionText(experiment)}</Text>
          <DeleteExperiment experiment={experiment} />
        </Stack>
      </Modal>
    </>
  );
}
