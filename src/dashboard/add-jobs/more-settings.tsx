// Settings that most jobs do without: class, priority, retries, time limit, and for those who may, a command.
import { Checkbox, Collapse, NumberInput, SimpleGrid, Stack, Textarea, TextInput, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';

export interface More {
  readonly command: string;
  readonly machine_class: string;
  readonly priority: number | '';
  readonly max_attempts: number | '';
  readonly timeout_seconds: number | '';
  readonly held: boolean;
}

export const emptyMore: More = { command: '', machine_class: '', priority: '', max_attempts: '', timeout_seconds: '', held: false };

/** Only what was filled in: the rest is the experiment's to say. */
export function settingsOf(more: More, mayBringCommands: boolean) {
  return {
    ...(mayBringCommands && more.command.trim() !== '' ? { command: more.command.trim() } : {}),
    ...(more.machine_class.trim() === '' ? {} : { machine_class: more.machine_class.trim() }),
    ...(more.priority === '' ? {} : { priority: more.priority }),
    ...(more.max_attempts === '' ? {} : { max_attempts: more.max_attempts }),
    ...(more.timeout_seconds === '' ? {} : { timeout_seconds: more.timeout_seconds }),
    ...(more.held ? { held: true } : {}),
  };
}

interface Props {
  readonly more: More;
  readonly setMore: (more: More) => void;
  readonly mayBringCommands: boolean;
}

export function MoreSettings({ more, setMore, mayBringCommands }: Props) {
  const [opened, setOpened] = useState(false);
  const set = (part: Partial<More>): void => setMore({ ...more, ...part });
  return (
    <div>
      <UnstyledButton className="dr-disclosure" onClick={() => setOpened(!opened)} aria-expanded={opened}>
        <IconChevronRight size={14} style={{ transform: opened ? 'rotate(90deg)' : 'none' }} aria-hidden />
        More: {mayBringCommands ? 'command, ' : ''}class, priority, retries, time limit
      </UnstyledButton>
      <Collapse expanded={opened}>
        <Stack gap="sm" pt="sm">
          {mayBringCommands ? (
            <Textarea
              label="Command"
              description="{name} stands for a param. Empty: the script of the worker."
              placeholder="python3 train.py --lr {learning_rate} --units {hidden_units}"
              value={more.command}
              onChange={(event) => set({ command: event.currentTarget.value })}
              autosize
              minRows={1}
              maxRows={8}
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
            />
          ) : null}
          <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
            <TextInput
              size="xs"
              label="Machine class"
              placeholder="any"
              value={more.machine_class}
              onChange={(event) => set({ machine_class: event.currentTarget.value })}
            />
            <NumberInput
              size="xs"
              label="Priority"
              placeholder="0"
              value={more.priority}
              onChange={(value) => set({ priority: numberOf(value) })}
              allowDecimal={false}
            />
            <NumberInput
              size="xs"
              label="Attempts at most"
              placeholder="as experiment"
              min={1}
              max={1000}
              value={more.max_attempts}
              onChange={(value) => set({ max_attempts: numberOf(value) })}
              allowDecimal={false}
            />
            <NumberInput
              size="xs"
              label="Time limit, seconds"
              placeholder="as experiment"
              min={1}
              value={more.timeout_seconds}
              onChange={(value) => set({ timeout_seconds: numberOf(value) })}
            />
          </SimpleGrid>
          <Checkbox
            size="sm"
            label="Hold them: no worker may take them until they are let go"
            checked={more.held}
            onChange={(event) => set({ held: event.currentTarget.checked })}
          />
        </Stack>
      </Collapse>
    </div>
  );
}

function numberOf(value: number | string): number | '' {
  return typeof value === 'number' ? value : '';
}
