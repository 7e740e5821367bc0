// The small controls above charts: segments whose choice is in the URL, and selects with a label of their own.
import { NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

import { LIMITS } from '../../core/limits.ts';

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly data: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, value, data, onChange }: ChoiceProps<T>) {
  return <SegmentedControl size="xs" aria-label={label} value={value} data={[...data]} onChange={(chosen) => onChange(chosen as T)} />;
}

export function Choice<T extends string>({ label, value, data, onChange }: ChoiceProps<T>) {
  return (
    <label className="dr-choice">
      <span>{label}</span>
      <NativeSelect size="xs" value={value} data={[...data]} onChange={(event) => onChange(event.currentTarget.value as T)} />
    </label>
  );
}

const TYPING_MS = 300;

export function SearchInput({ value, onChange }: { readonly value: string; readonly onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  // The URL changed by other means (back, a link): follow it.
  if (value !== known) {
    setKnown(value);
    setText(value);
  }
  useEffect(() => {
    if (text.trim() === known) return;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, known, onChange]);
  return (
    <TextInput
      size="xs"
      className="dr-chart-search"
      placeholder="Only jobs with, e.g. lr=0.01"
      aria-label="Only jobs that fit"
      leftSection={<IconSearch size={14} />}
      value={text}
      maxLength={LIMITS.search_characters.value}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}
