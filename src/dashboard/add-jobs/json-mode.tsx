// The JSON view: a matrix of lists, or a list of jobs; formatted and checked on demand and as one types.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconBraces, IconCheck } from '@tabler/icons-react';
import { useRef, useState } from 'react';

import { countText } from '../components/bytes.ts';
import { textOfMatrix, type Plan } from './draft.ts';
import { JsonEditor } from './json-editor.tsx';
import { readJson, type TextPlace } from './json-text.ts';

interface Props {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly plan: Plan;
}

const EXAMPLE = '{\n  "learning_rate": [0.001, 0.01, 0.1],\n  "hidden_units": [64, 128, 256],\n  "dropout": [0.0, 0.3, 0.5]\n}';

export function JsonMode({ text, setText, plan }: Props) {
  const editor = useRef<HTMLTextAreaElement>(null);
  const [validated, setValidated] = useState<string | null>(null);
  const place = plan.kind === 'problem' ? plan.place : null;
  const format = (): void => {
    const read = readJson(text);
    if ('value' in read) setText(plan.kind === 'matrix' ? textOfMatrix(plan.matrix) : JSON.stringify(read.value, null, 2));
  };
  const validate = (): void => {
    setValidated(text);
    if (place !== null) moveCaret(editor.current, place);
  };
  return (
    <Stack gap={8}>
      <JsonEditor ref={editor} value={text} onChange={setText} label="Jobs as JSON" wrongLine={place?.line ?? null} />
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
        <Verdict plan={plan} validated={validated === text} />
      </Group>
    </Stack>
  );
}

function Verdict({ plan, validated }: { readonly plan: Plan; readonly validated: boolean }) {
  if (plan.kind === 'problem') return null;
  const valid = validated && plan.kind !== 'empty';
  return (
    <Text size="xs" component="output" c={valid ? 'var(--dr-done)' : 'dimmed'}>
      {valid
        ? `Valid: ${countText(plan.size)} ${plan.size === 1 ? 'job' : 'jobs'} would be created.`
        : 'An object of lists is a matrix; a list of objects is one job each.'}
    </Text>
  );
}

function moveCaret(area: HTMLTextAreaElement | null, place: TextPlace): void {
  if (area === null) return;
  const at =
    area.value
      .split('\n')
      .slice(0, place.line - 1)
      .join('\n').length +
    (place.line > 1 ? 1 : 0) +
    place.column -
    1;
  area.focus();
  area.setSelectionRange(at, at + 1);
}
