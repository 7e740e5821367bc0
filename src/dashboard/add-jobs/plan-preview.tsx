// The live count and the first few jobs of a draft.
import { Group, Text } from '@mantine/core';

import { countText } from '../components/bytes.ts';
import type { Params } from '../../core/params.ts';
import { factorsOf, paramsLine, problemText, SAMPLE_SIZE, type Plan } from './draft.ts';

export function PlanPreview({ plan }: { readonly plan: Plan }) {
  if (plan.kind === 'empty') return null;
  if (plan.kind === 'problem') {
    return (
      <Text size="sm" c="var(--dr-aborted)" component="output" display="block">
        {problemText(plan)}
      </Text>
    );
  }
  const factors = factorsOf(plan);
  return (
    <output className="dr-preview">
      <Group gap={8} align="baseline">
        <Text fw={650} className="dr-num">
          {countText(plan.size)} {plan.size === 1 ? 'job' : 'jobs'}
        </Text>
        {factors === null ? null : (
          <Text size="sm" c="dimmed" className="dr-num">
            = {factors}
          </Text>
        )}
      </Group>
      <SampleList sample={plan.sample} size={plan.size} />
    </output>
  );
}

export function SampleList({ sample, size }: { readonly sample: readonly Params[]; readonly size: number }) {
  const shown = sample.slice(0, SAMPLE_SIZE);
  return (
    <ol className="dr-sample">
      {shown.map((params, index) => (
        <li key={index} className="dr-mono">
          {paramsLine(params) || 'no params'}
        </li>
      ))}
      {size > shown.length ? <li className="dr-sample-rest">and {countText(size - shown.length)} more</li> : null}
    </ol>
  );
}
