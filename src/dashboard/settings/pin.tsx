// The PIN: shown to owners, changed by anyone who knows the old one.
import { Alert, Button, Group, PinInput, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, errorSentence } from '../api.ts';
import { CopyIcon } from '../components/copy.tsx';
import { Moment } from '../components/time.tsx';
import { toastDone } from '../components/toast.ts';
import { useRights } from '../frame/session.tsx';
import { queries } from '../queries.ts';
import { Section } from './section.tsx';

export function PinSection({ experiment }: { readonly experiment: string }) {
  const { own, actor } = useRights();
  return (
    <Section
      title="Dashboard PIN"
      hint="Six digits that open this experiment's dashboard. Who has them can add and edit jobs and command workers, but not bring new commands."
    >
      {own ? <ShownPin experiment={experiment} /> : null}
      <ChangePin experiment={experiment} askCurrent={!own} endsOwnSession={actor?.kind === 'pin'} />
    </Section>
  );
}

export function ShownPin({ experiment }: { readonly experiment: string }) {
  const [shown, setShown] = useState(false);
  const pin = useQuery({ ...queries.pin(experiment), enabled: shown });
  if (!shown) {
    return (
      <Button variant="default" leftSection={<IconEye size={14} />} onClick={() => setShown(true)} style={{ alignSelf: 'flex-start' }}>
        Show the PIN
      </Button>
    );
  }
  if (pin.isError) return <Text size="sm">{errorSentence(pin.error)}</Text>;
  return (
    <Group gap="sm">
      <span className="dr-pin dr-num">{pin.data?.pin ?? '······'}</span>
      {pin.data === undefined ? null : <CopyIcon text={pin.data.pin} what="PIN" />}
      {pin.data === undefined ? null : (
        <Text size="xs" c="dimmed">
          <Moment at={pin.data.changed_at} prefix="set " />
        </Text>
      )}
    </Group>
  );
}

interface ChangeProps {
  readonly experiment: string;
  readonly askCurrent: boolean;
  readonly endsOwnSession: boolean;
}

function ChangePin({ experiment, askCurrent, endsOwnSession }: ChangeProps) {
  const client = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const differs = again.length === 6 && next !== again;
  const ready = next.length === 6 && next === again && (!askCurrent || current.length === 6);
  const change = useMutation({
    mutationFn: () => api.experiments.changePin({ params: { experiment }, body: { new_pin: next, ...(askCurrent ? { current_pin: current } : {}) } }),
    onSuccess: async () => {
      toastDone('The PIN is changed; all sessions opened with the old one have ended');
      setCurrent('');
      setNext('');
      setAgain('');
      await client.invalidateQueries({ queryKey: endsOwnSession ? ['session'] : ['pin', experiment] });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <div className="dr-pin-fields">
        {askCurrent ? <PinField label="Current PIN" value={current} onChange={setCurrent} error={change.isError} /> : null}
        <PinField label="New PIN" value={next} onChange={setNext} error={false} />
        <PinField label="New PIN again" value={again} onChange={setAgain} error={differs} />
      </div>
      {differs ? (
        <Text size="xs" c="var(--dr-aborted)" mt={6} component="output" display="block">
          The two new PINs differ.
        </Text>
      ) : null}
      {change.isError ? (
        <Alert color="red" variant="light" mt="xs" role="alert">
          {errorSentence(change.error)}
        </Alert>
      ) : null}
      <Button type="submit" mt="sm" disabled={!ready} loading={change.isPending}>
        Update PIN
      </Button>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: boolean;
}

function PinField({ label, value, onChange, error }: FieldProps) {
  return (
    <fieldset className="dr-fieldset">
      <Text size="xs" fw={600} mb={3} component="legend">
        {label}
      </Text>
      <PinInput
        length={6}
        type="number"
        size="xs"
        gap={4}
        placeholder=""
        value={value}
        onChange={onChange}
        error={error}
        ariaLabel={`${label}, digit`}
        oneTimeCode={false}
      />
    </fieldset>
  );
}
