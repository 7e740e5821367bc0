// One confirmation dialog for the page: says what will happen, to what and to how many, and shows a refusal in place.
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { createContext, use, useCallback, useState, type ReactNode } from 'react';

import { errorSentence } from '../api.ts';
import { useMade } from './when-wanted.tsx';

export interface ConfirmRequest {
  readonly title: string;
  readonly body: ReactNode;
  /** Names the action and its target: `Delete job 42`. */
  readonly action: string;
  readonly danger?: boolean;
  readonly run: () => Promise<unknown>;
}

const ConfirmContext = createContext<(request: ConfirmRequest) => void>(() => undefined);

export function useConfirm(): (request: ConfirmRequest) => void {
  return use(ConfirmContext);
}

export function ConfirmProvider({ children }: { readonly children: ReactNode }) {
  const [request, setRequest] = useState<ConfirmRequest | null>(null);
  const [wanted, setWanted] = useState(false);
  const { made, opened } = useMade(wanted);
  const ask = useCallback((next: ConfirmRequest) => {
    setRequest(next);
    setWanted(true);
  }, []);
  return (
    <ConfirmContext value={ask}>
      {children}
      {made ? (
        <Modal opened={opened} onClose={() => setWanted(false)} title={request?.title} size="md">
          {request === null ? null : <ConfirmBody key={request.action} request={request} close={() => setWanted(false)} />}
        </Modal>
      ) : null}
    </ConfirmContext>
  );
}

function ConfirmBody({ request, close }: { readonly request: ConfirmRequest; readonly close: () => void }) {
  const action = useMutation({ mutationFn: request.run, onSuccess: close });
  return (
    <Stack gap="md">
      <Text size="sm" component="div">
        {request.body}
      </Text>
      {action.isError ? (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(action.error)}
        </Alert>
      ) : null}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={close}>
          Keep as it is
        </Button>
        <Button color={request.danger === true ? 'red' : 'brand'} loading={action.isPending} onClick={() => action.mutate()} data-autofocus>
          {request.action}
        </Button>
      </Group>
    </Stack>
  );
}
