// The JSON view: a matrix of lists, or a list of jobs; formatted and checked on demand and as one types.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconBraces, IconCheck } from '@tabler/icons-react';
import { useState } from 'react';

import { countText } from '../components/bytes.ts';
import { textOfMatrix, type Plan } from './draft.ts';
import { JsonEditor } from './json-editor.tsx';
import { readJson } from './json-text.ts';

interface Props {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly plan: Plan;
}

const EXAMPLE = '{\n  "learning_rate": [0.001, 0.01, 0.1],\n  "hidden_units": [64, 128, 256],\n  "dropout": [0.0, 0.3, 0.5]\n}';

export function JsonMode({ text, setText, plan }: Props) {
  const [verdict, setVerdict] = useState<{ text: string; good: boolean; sentence: string } | null>(null);
  const place = plan.kind === 'problem' ? plan.place : null;
  const format = (): void => {
    const read = readJson(text);
    if ('value' in read) setText(plan.kind === 'matrix' ? textOfMatrix(plan.matrix) : JSON.stringify(read.value, null, 2));
  };
  const validate = (): void => setVerdict({ text, ...verdictOf(plan) });
  const shown = verdict !== null && verdict.text === text ? verdict : null;
  return (
    <Stack gap={8}>
      <JsonEditor value={text} onChange={setText} label="Jobs as JSON" wrongLine={place?.line ?? null} />
      <Group gap={8}>
        <Button variant="default" leftSection={<IconBraces size={14} />} onClick={format} disabled={plan.kind === 'empty' || place !== null}>
          Format
        </Button>
        <Button variant="default" leftSection={<IconCheck size={14} />} onClick={validate} disabled={plan.kind === 'empty'}>
          Validate
        </Button>
        {text === '' ? (
          <Button variant="subtle" color="gray" onClick={() => setText(EXAMPLE)}>
            Insert an example
          </Button>
        ) : null}
        <Text size="xs" role="status" c={shown === null ? 'dimmed' : shown.good ? 'var(--dr-done)' : 'var(--dr-aborted)'}>
          {shown?.sentence ?? 'An object of lists is a matrix; a list of objects is one job each.'}
        </Text>
      </Group>
    </Stack>
  );
}

function verdictOf(plan: Plan): { good: boolean; sentence: string } {
  switch (plan.kind) {
    case 'empty':
      return { good: false, sentence: 'There is nothing yet.' };
    case 'problem':
      return { good: false, sentence: plan.place === null ? plan.sentence : `Line ${plan.place.line}, column ${plan.place.column}: ${plan.sentence}` };
    case 'matrix':
    case 'list':
      return { good: true, sentence: `Valid: ${countText(plan.size)} ${plan.size === 1 ? 'job' : 'jobs'} would be created.` };
  }
}
