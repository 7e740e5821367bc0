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
  /**
   * The PIN was right: what the client tried for this experiment was mistyped, and counts no more.
   * What it tried for others stays, or knowing one PIN would help to guess another.
   */
  succeeded(attempt: PinTry): void;
}

interface Tries {
  count: number;
  /** Of the monotonic clock. */
  last_at: number;
}

interface Blockable extends Tries {
  /** Of the monotonic clock: no try before this. */
  blocked_until: number;
}

interface Experiment extends Blockable {
  /** How often it was locked without a long quiet time in between: each lock is twice as long as the one before. */
  locks: number;
}

interface Client extends Blockable {
  /** By experiment; the count of the client is the sum of theirs, and they are never more than it may be. */
  readonly tries: Map<string, Tries>;
}

const MOST_ENTRIES = 10_000;
const LOCK_MS = LIMITS.pin_lock_seconds.value * 1000;
const LONGEST_LOCK_MS = LIMITS.pin_longest_lock_seconds.value * 1000;
/** At least as long again as the longest lock. */
const QUIET_MS = 2 * LONGEST_LOCK_MS;
const TRIES_PER_LOCK = LIMITS.pin_tries_experiment.value;
const FIRST_PAUSE_MS = 1000;

export function createPinGuard(clock: Clock): PinGuard {
  const clients = new Map<string, Client>();
  const experiments = new Map<string, Experiment>();
  const unknown = new Map<string, Experiment>();
  const ofExperiment = (attempt: PinTry): Map<string, Experiment> => (attempt.exists ? experiments : unknown);
  return {
    begin(attempt) {
      const now = clock.monotonic();
      const client = remembered(clients, { key: attempt.client, now, quiet: LOCK_MS }, () => ({ ...fresh(now), tries: new Map() }));
      // Many clients that take turns must not find the count at zero whenever a lock ends.
      const experiment = remembered(ofExperiment(attempt), { key: attempt.experiment, now, quiet: QUIET_MS }, () => ({ ...fresh(now), locks: 0 }));
      refuseBlocked(client, now);
      refuseBlocked(experiment, now);
      const own = client.tries.get(attempt.experiment) ?? { count: 0, last_at: now };
      client.tries.set(attempt.experiment, own);
      for (const tries of [own, client, experiment]) {
        tries.count += 1;
        tries.last_at = now;
      }
      client.blocked_until = blockedUntil(client);
      if (experiment.count < TRIES_PER_LOCK * (experiment.locks + 1)) return;
      experiment.blocked_until = now + Math.min(LOCK_MS * 2 ** experiment.locks, LONGEST_LOCK_MS);
      experiment.locks += 1;
    },
    succeeded(attempt) {
      const client = clients.get(attempt.client);
      const own = client?.tries.get(attempt.experiment)?.count ?? 1;
      if (client !== undefined) forgive(client, attempt.experiment);
      if (client?.count === 0) clients.delete(attempt.client);
      const experiment = ofExperiment(attempt).get(attempt.experiment);
      if (experiment === undefined) return;
      experiment.count = Math.max(0, experiment.count - own);
      if (experiment.count >= TRIES_PER_LOCK * experiment.locks) return;
      experiment.blocked_until = 0;
      experiment.locks = Math.floor(experiment.count / TRIES_PER_LOCK);
    },
  };
}

function fresh(now: number): Blockable {
  return { count: 0, last_at: now, blocked_until: 0 };
}

/** The entry, made anew when nothing was tried for as long as `quiet`. */
function remembered<Entry extends Blockable>(
  map: Map<string, Entry>,
  { key, now, quiet }: { key: string; now: number; quiet: number },
  make: () => Entry,
): Entry {
  const found = map.get(key);
  if (found !== undefined && now - found.last_at < quiet) return found;
  if (found === undefined && map.size >= MOST_ENTRIES) map.delete(map.keys().next().value!);
  const made = make();
  map.set(key, made);
  return made;
}

/** Takes the tries for this experiment back; the others block the client as they did before. */
function forgive(client: Client, experiment: string): void {
  client.count -= client.tries.get(experiment)?.count ?? 0;
  client.tries.delete(experiment);
  client.last_at = Math.max(0, ...[...client.tries.values()].map(({ last_at }) => last_at));
  client.blocked_until = blockedUntil(client);
}

/** After the first wrong PIN each one makes the same client wait twice as long, and the last one locks it out. */
function blockedUntil({ count, last_at }: Tries): number {
  if (count >= LIMITS.pin_tries.value) return last_at + LOCK_MS;
  return count > 1 ? last_at + FIRST_PAUSE_MS * 2 ** (count - 2) : 0;
}

function refuseBlocked(tries: Blockable, now: number): void {
  if (now >= tries.blocked_until) return;
  const seconds = Math.ceil((tries.blocked_until - now) / 1000);
  throw new Refusal('rate_limited', `There were too many wrong PINs. Try again in ${seconds} s, or log in with a one-time link or a key.`, {
    retry_after_seconds: seconds,
  });
}
