// Slows and locks PIN guessing, per client and per experiment. A PIN has only six digits, so this is what makes it worth something.
// Kept in memory: a restart forgives. Keys, links and open sessions never pass through here.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import type { Clock } from '../runtime/clock.ts';

export interface PinTry {
  /** The client, as clientGroup names it. */
  readonly client: string;
  readonly experiment: string;
  /** Whether the experiment exists: names that do not must not push out those that do. */
  readonly exists: boolean;
}

export interface PinGuard {
  /** Counts a try before it is judged, so that tries at the same moment count too; refuses when there were too many. */
  begin(attempt: PinTry): void;
  /** The PIN was right: the client's tries are forgotten, and this one does not count against the experiment. */
  succeeded(attempt: PinTry): void;
}

interface Tries {
  count: number;
  /** Of the monotonic clock: no try before this. */
  blocked_until: number;
  last_at: number;
}

const MOST_ENTRIES = 10_000;
const LOCK_MS = LIMITS.pin_lock_seconds.value * 1000;
const FIRST_PAUSE_MS = 1000;

export function createPinGuard(clock: Clock): PinGuard {
  const clients = new Map<string, Tries>();
  const experiments = new Map<string, Tries>();
  const unknown = new Map<string, Tries>();
  const ofExperiment = (attempt: PinTry): Map<string, Tries> => (attempt.exists ? experiments : unknown);
  return {
    begin(attempt) {
      const now = clock.monotonic();
      const client = triesOf(clients, attempt.client, now);
      const experiment = triesOf(ofExperiment(attempt), attempt.experiment, now);
      refuseBlocked(client, now);
      refuseBlocked(experiment, now);
      count(client, now, LIMITS.pin_tries.value);
      // After the first wrong PIN each one makes the same client wait twice as long.
      if (client.count > 1) client.blocked_until = Math.max(client.blocked_until, now + FIRST_PAUSE_MS * 2 ** (client.count - 2));
      count(experiment, now, LIMITS.pin_tries_experiment.value);
    },
    succeeded(attempt) {
      clients.delete(attempt.client);
      const experiment = ofExperiment(attempt).get(attempt.experiment);
      if (experiment === undefined) return;
      experiment.count = Math.max(0, experiment.count - 1);
      if (experiment.count < LIMITS.pin_tries_experiment.value) experiment.blocked_until = 0;
    },
  };
}

function triesOf(map: Map<string, Tries>, key: string, now: number): Tries {
  let tries = map.get(key);
  if (tries !== undefined && now - tries.last_at < LOCK_MS) return tries;
  if (tries === undefined && map.size >= MOST_ENTRIES) map.delete(map.keys().next().value!);
  tries = { count: 0, blocked_until: 0, last_at: now };
  map.set(key, tries);
  return tries;
}

function refuseBlocked(tries: Tries, now: number): void {
  if (now >= tries.blocked_until) return;
  const seconds = Math.ceil((tries.blocked_until - now) / 1000);
  throw new Refusal('rate_limited', `There were too many wrong PINs. Try again in ${seconds} s, or log in with a one-time link or a key.`, {
    retry_after_seconds: seconds,
  });
}

function count(tries: Tries, now: number, most: number): void {
  tries.count += 1;
  tries.last_at = now;
  if (tries.count >= most) tries.blocked_until = now + LOCK_MS;
}
