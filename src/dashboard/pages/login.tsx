// Login: the six digits of an experiment, an API key, or a one-time link whose token stands after `#` and so never reaches a log.
import { Alert, Button, Loader, PasswordInput, PinInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconClockOff, IconLinkOff } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { ApiError, type ActorShape } from '../../contract/index.ts';
import { EXPERIMENT_NAME } from '../../core/identifiers.ts';
import { api, errorSentence } from '../api.ts';
import { Logo } from '../frame/logo.tsx';

type Login = { experiment: string; pin: string } | { link_token: string } | { api_key: string };

export function LoginPage() {
  const [token] = useState(takeLinkToken);
  const enter = useEnter();
  const { ended = false } = useSearch({ from: '/login' });
  const login = useMutation({ mutationFn: (body: Login) => api.access.login({ body }), onSuccess: ({ actor }, body) => enter(actor, body) });
  const { mutate } = login;
  useEffect(() => {
    if (token !== null) mutate({ link_token: token });
  }, [token, mutate]);
  const linkFailed = token !== null && login.isError && login.variables !== undefined && 'link_token' in login.variables;
  return (
    <div className="dr-login">
      <main className="dr-card dr-login-card" id="main">
        <Stack gap="lg">
          <Stack gap={10} align="center">
            <Logo size={40} />
            <Title order={1} size="h2">
              Sign in to Drover
            </Title>
          </Stack>
          {ended && token === null ? (
            <Alert color="gray" variant="light" icon={<IconClockOff size={18} />} p="sm">
              Your session has ended. Sign in, and you are back where you were.
            </Alert>
          ) : null}
          {linkFailed ? <LinkFailed error={login.error} /> : null}
          {token !== null && !login.isError ? (
            <LinkOpening />
          ) : (
            <Ways login={(body) => mutate(body)} pending={login.isPending} error={linkFailed ? null : login.error} forget={login.reset} />
          )}
        </Stack>
      </main>
    </div>
  );
}

/** Taken out of the address at once, so that it is neither bookmarked nor sent on. */
function takeLinkToken(): string | null {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('link');
  if (token !== null) window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search);
  return token;
}

function useEnter(): (actor: ActorShape, body: Login) => void {
  const router = useRouter();
  const client = useQueryClient();
  const { to } = useSearch({ from: '/login' });
  return (actor, body) => {
    client.clear();
    const only = actor.experiments?.length === 1 ? actor.experiments[0] : undefined;
    const named = 'experiment' in body ? body.experiment : only;
    const home = named === undefined ? '/' : `/experiments/${named}/jobs`;
    router.history.replace(to !== undefined && isOwnPath(to) ? to : home);
  };
}

function isOwnPath(path: string): boolean {
  return path.startsWith('/') && !path.startsWith('//') && !path.startsWith('/\\') && !path.startsWith('/login');
}

function LinkOpening() {
  return (
    <Stack align="center" gap="xs" py="md">
      <Loader size="sm" />
      <Text size="sm" c="dimmed">
        Opening the one-time link
      </Text>
    </Stack>
  );
}

function LinkFailed({ error }: { readonly error: unknown }) {
  const spent = error instanceof ApiError && error.status === 401;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconLinkOff size={18} />}
      title={spent ? 'This link is used up or too old' : 'The link could not be opened'}
      role="alert"
    >
      {spent
        ? 'A link opens the dashboard once, within 15 minutes. Use the PIN of the experiment, or get a new link where the server runs.'
        : errorSentence(error)}
    </Alert>
  );
}

/** A PIN for one experiment; a key for whatever it is good for, also for who may only look. */
function Ways({ forget, ...form }: PinFormProps & { readonly forget: () => void }) {
  const [byKey, setByKey] = useState(false);
  return (
    <Stack gap="md">
      {byKey ? <KeyForm {...form} /> : <PinForm {...form} />}
      <Button
        variant="subtle"
        onClick={() => {
          forget();
          setByKey(!byKey);
        }}
      >
        {byKey ? 'Sign in with a PIN instead' : 'Sign in with an API key instead'}
      </Button>
    </Stack>
  );
}

function KeyForm({ login, pending, error }: PinFormProps) {
  const [key, setKey] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        login({ api_key: key.trim() });
        setKey('');
      }}
    >
      <Stack gap="md">
        <PasswordInput
          label="API key"
          placeholder="jd_…"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page is this form
          autoFocus
          autoComplete="off"
          spellCheck={false}
          size="md"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
          styles={{ label: { fontSize: '0.8125rem' } }}
        />
        {error === null ? null : (
          <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} role="alert">
            {error instanceof ApiError && error.status === 401 ? 'This API key is not known here, or it has expired.' : errorSentence(error)}
          </Alert>
        )}
        <Button type="submit" size="sm" fullWidth loading={pending} disabled={!key.trim().startsWith('jd_')}>
          Sign in
        </Button>
        <Text size="xs" c="dimmed" ta="center">
          The session may what the key may, and ends with it. The key itself is not kept in this browser.
        </Text>
      </Stack>
    </form>
  );
}

interface PinFormProps {
  readonly login: (body: Login) => void;
  readonly pending: boolean;
  readonly error: unknown;
}

function PinForm({ login, pending, error }: PinFormProps) {
  const { to } = useSearch({ from: '/login' });
  const known = /^\/experiments\/([a-z][a-z0-9-]{1,46})(?:\/|$|\?)/.exec(to ?? '')?.[1];
  const [experiment, setExperiment] = useState(known ?? '');
  const [pin, setPin] = useState('');
  const ready = EXPERIMENT_NAME.test(experiment) && pin.length === 6;
  const submit = (digits: string): void => {
    if (!EXPERIMENT_NAME.test(experiment) || digits.length !== 6 || pending) return;
    login({ experiment, pin: digits });
    setPin('');
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit(pin);
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Experiment"
          placeholder="digits-tune"
          value={experiment}
          onChange={(event) => setExperiment(event.currentTarget.value.trim())}
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page is this form
          autoFocus={known === undefined}
          autoCapitalize="none"
          spellCheck={false}
          size="md"
          styles={{ label: { fontSize: '0.8125rem' } }}
        />
        <fieldset className="dr-fieldset">
          <Text size="sm" fw={600} mb={4} component="legend">
            PIN
          </Text>
          <PinInput
            length={6}
            type="number"
            size="md"
            gap={8}
            styles={{ root: { display: 'flex' }, pinInput: { flex: 1 }, input: { width: '100%' } }}
            placeholder=""
            value={pin}
            onChange={setPin}
            onComplete={submit}
            error={error !== null}
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page is this form
            autoFocus={known !== undefined}
            disabled={pending}
            ariaLabel="PIN digit"
            oneTimeCode={false}
          />
        </fieldset>
        {error === null ? null : (
          <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} role="alert">
            {pinSentence(error)}
          </Alert>
        )}
        <Button type="submit" size="sm" fullWidth loading={pending} disabled={!ready}>
          Sign in
        </Button>
        <Text size="xs" c="dimmed" ta="center">
          The PIN was printed when the server started. Its owner can also see it in the experiment's settings.
        </Text>
      </Stack>
    </form>
  );
}

function pinSentence(error: unknown): string {
  if (!(error instanceof ApiError)) return errorSentence(error);
  if (error.code === 'rate_limited') {
    const wait = error.retry_after_seconds;
    return `Too many wrong tries. ${wait === null ? 'Wait a few minutes' : `Wait ${Math.ceil(wait / 60)} min`} and try again; keys and one-time links still work.`;
  }
  if (error.code === 'wrong_pin') return 'Experiment and PIN do not fit. Check both and try again.';
  return errorSentence(error);
}
