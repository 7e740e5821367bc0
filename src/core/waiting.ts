// Why a pending job is not running yet: the first thing that stands between it and a worker, in the words of the people who wait for it.
import { demandFits, type Demand, type Resources } from './schedule.ts';

/** An agent that serves the job's experiment and was heard of. */
export interface WaitingPlace {
  readonly host: string;
  readonly machine_class: string | null;
  readonly has_script: boolean;
  /** It runs nothing but its own script: a client of JobDistributor. */
  readonly script_only: boolean;
  /** It may still report an earlier attempt of this job as if it were the next one. */
  readonly barred: boolean;
  /** A machine elsewhere, on which only jobs that ask for its class act. */
  readonly driven?: boolean;
  /** It is left alone, because jobs failed there. */
  readonly quarantined?: boolean;
  readonly total: Resources;
  /** What its running jobs asked for. */
  readonly used: Resources;
  /** Workers that may take jobs, and those of them that have none. */
  readonly ready: number;
  readonly free: number;
  /** Workers that were told to pause, drain or stop. */
  readonly told: number;
  /** Suspect: it takes nothing until it is heard again. */
  readonly silent: boolean;
  /** For which job it is kept free. */
  readonly kept_for: number | null;
}

export interface WaitingJob {
  readonly id: number;
  readonly experiment: string;
  readonly held: boolean;
  /** It was created like that, and nobody has let it run yet. */
  readonly held_since_creation: boolean;
  readonly queue_held: boolean;
  /** Milliseconds until it may be tried again; null: at once. */
  readonly retry_in_ms: number | null;
  readonly demand: Demand;
  /** Jobs of its kind before it in the queue, counted up to a limit. */
  readonly before: { readonly count: number; readonly exact: boolean };
}

// prettier-ignore
export const WAIT_REASONS = [
  'held', 'queue_held', 'retry', 'no_worker', 'silent', 'no_class', 'no_script', 'script_only', 'too_large', 'told', 'kept', 'busy',
  'barred', 'no_room', 'queue', 'next',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

export interface Wait {
  readonly reason: WaitReason;
  readonly sentence: string;
  /** Workers that could ever take it, as they are now. */
  readonly able: number;
  readonly free: number;
}

export function explainWait(job: WaitingJob, places: readonly WaitingPlace[]): Wait {
  const heard = places.filter(({ silent }) => !silent);
  const ofClass = heard.filter((place) => (job.demand.machine_class === null && place.driven !== true) || place.machine_class === job.demand.machine_class);
  const withScript = ofClass.filter(({ has_script, script_only }) => (job.demand.needs_script ? has_script : !script_only));
  const able = withScript.filter((place) => demandFits(job.demand, { ...place, free: place.total }));
  const sum = (of: (place: WaitingPlace) => number): number => able.reduce((total, place) => total + of(place), 0);
  const facts = { able: sum(({ ready, told }) => ready + told), free: sum(({ free }) => free) };
  const because = (reason: WaitReason, sentence: string): Wait => ({ reason, sentence, ...facts });
  if (job.held) {
    return because('held', `It ${job.held_since_creation ? 'was created on hold' : 'is held'}: no worker may take it until it is let run.`);
  }
  if (job.queue_held) return because('queue_held', `The queue of ${job.experiment} is held: nothing of it is handed out until the queue is let run.`);
  if (job.retry_in_ms !== null) return because('retry', 'Its last attempt failed, and the next one waits for its time.');
  if (places.length === 0) return because('no_worker', `No worker serves ${job.experiment}. Start one: drover worker start --experiment ${job.experiment}`);
  if (heard.length === 0)
    return because('silent', `${numbered(places.length, 'agent', 'agents')} of ${job.experiment} went silent; it waits until one is heard again.`);
  if (ofClass.length === 0 && job.demand.machine_class === null)
    return because('no_class', `It asks for no class, and all that is here are driven machines, which take only jobs of their class: ${classesOf(heard)}.`);
  if (ofClass.length === 0) return because('no_class', `It asks for class ${job.demand.machine_class!}, and no worker here has it: ${classesOf(heard)}.`);
  if (withScript.length === 0 && job.demand.needs_script) return because('no_script', 'It has no command, and no worker here was started with a script.');
  if (withScript.length === 0)
    return because('script_only', 'It brings a command, and the workers here are clients of JobDistributor, which run nothing but their own script.');
  if (able.length === 0) return because('too_large', tooLarge(job.demand, withScript));
  return { ...amongAble(job, able, facts), ...facts };
}

/** Some workers could take it: why none has. */
function amongAble(job: WaitingJob, able: readonly WaitingPlace[], { able: all, free }: Pick<Wait, 'able' | 'free'>): Pick<Wait, 'reason' | 'sentence'> {
  const because = (reason: WaitReason, sentence: string): Pick<Wait, 'reason' | 'sentence'> => ({ reason, sentence });
  const of = `${job.demand.machine_class === null ? '' : ` of class ${job.demand.machine_class}`} that could take it`;
  const ready = able.reduce((total, place) => total + place.ready, 0);
  if (ready === 0 && able.some(({ quarantined }) => quarantined === true)) {
    return because(
      'told',
      `${all === 1 ? `The one machine${of} is` : `All ${all} workers${of} are`} in quarantine, disabled or told to stop: drover machine ls says why.`,
    );
  }
  if (ready === 0) {
    return because('told', all === 1 ? `The one worker${of} was told to pause, drain or stop.` : `All ${all} workers${of} were told to pause, drain or stop.`);
  }
  const keeping = able.find(({ kept_for }) => kept_for === job.id);
  if (keeping !== undefined) return because('kept', `${keeping.host} is kept free for it, and will take it when its running jobs leave enough room.`);
  const line = lineBefore(job);
  if (free === 0) return because('busy', `${ready === 1 ? `The one worker${of} is busy.` : `All ${ready} workers${of} are busy.`} ${line}`);
  if (able.every((place) => place.free === 0 || place.barred)) {
    return because(
      'barred',
      'Its last attempt was at a worker with the same token as those that are free, and a report of it may still come. Workers of another launch may take it.',
    );
  }
  const isFree = numbered(free, 'worker is', 'workers are');
  if (!able.some((place) => place.free > 0 && demandFits(job.demand, { ...place, free: left(place) }))) {
    return because('no_room', `${isFree} free, but what runs beside leaves too little ${lacking(job.demand, able)}. ${line}`);
  }
  return job.before.count === 0 ? because('next', 'It is next: a free worker is about to take it.') : because('queue', `${line} ${isFree} free.`);
}

function lineBefore({ before: { count, exact } }: WaitingJob): string {
  if (count === 0) return 'It is next.';
  if (!exact) return `More than ${count.toLocaleString('en-US')} jobs of its kind stand before it.`;
  return `${numbered(count, 'job of its kind stands', 'jobs of its kind stand')} before it.`;
}

const RESOURCES = [
  ['cpus', 'processors', (value: number) => String(value)],
  ['memory_bytes', 'memory', (value: number) => `${Math.ceil(value / 1e6).toLocaleString('en-US')} MB`],
  ['gpus', 'GPUs', (value: number) => String(value)],
] as const;

function tooLarge(demand: Demand, places: readonly WaitingPlace[]): string {
  for (const [name, word, text] of RESOURCES) {
    const most = Math.max(...places.map(({ total }) => total[name]));
    if (demand[name] > most) return `It asks for more ${word} than any machine here has: ${text(demand[name])}, and the most is ${text(most)}.`;
  }
  return 'No machine here has all that it asks for at once: processors, memory and GPUs.';
}

function lacking(demand: Demand, places: readonly WaitingPlace[]): string {
  const short = RESOURCES.filter(([name]) => places.every((place) => place.free === 0 || demand[name] > left(place)[name])).map(([, word]) => word);
  return short.length === 0 ? 'of what it asks for' : short.join(' and ');
}

function left({ total, used }: WaitingPlace): Resources {
  return { cpus: total.cpus - used.cpus, memory_bytes: total.memory_bytes - used.memory_bytes, gpus: total.gpus - used.gpus };
}

function classesOf(places: readonly WaitingPlace[]): string {
  const named = [...new Set(places.flatMap(({ machine_class }) => (machine_class === null ? [] : [machine_class])))].sort();
  return named.length === 0 ? 'none has a class' : `they have ${named.slice(0, 5).join(', ')}${named.length > 5 ? ', …' : ''}`;
}

function numbered(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
