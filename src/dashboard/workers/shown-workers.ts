// Which workers the page shows: by tab, by the three parts of their ids, by words; page by page, in groups by host.
import type { WorkerShape } from '../../contract/index.ts';
import type { WorkersSearch } from './workers-search.ts';

export const PAGE_SIZE = 100;

export interface FilterChoices {
  readonly hosts: readonly string[];
  /** On the chosen host. */
  readonly instances: readonly string[];
  /** Of the chosen host and instance. */
  readonly slots: readonly string[];
}

export function isActive(worker: WorkerShape): boolean {
  return worker.status !== 'disabled';
}

export function ofTab(workers: readonly WorkerShape[], { state }: WorkersSearch): WorkerShape[] {
  return workers.filter((worker) => isActive(worker) === (state === undefined));
}

/** Each filter offers what the ones before it leave. */
export function filterChoices(workers: readonly WorkerShape[], { host, instance }: WorkersSearch): FilterChoices {
  const onHost = host === undefined ? workers : workers.filter((worker) => worker.host === host);
  const ofInstance = instance === undefined ? onHost : onHost.filter((worker) => worker.instance === instance);
  return {
    hosts: distinct(workers.map((worker) => worker.host)),
    instances: distinct(onHost.map((worker) => worker.instance)),
    slots: distinct(ofInstance.map((worker) => String(worker.slot))),
  };
}

const ORDER = new Intl.Collator('en', { numeric: true });

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort(ORDER.compare);
}

export function shownWorkers(workers: readonly WorkerShape[], search: WorkersSearch): WorkerShape[] {
  const words = (search.search ?? '').toLowerCase().split(/\s+/);
  return workers
    .filter(
      (worker) =>
        (search.host === undefined || worker.host === search.host) &&
        (search.instance === undefined || worker.instance === search.instance) &&
        (search.slot === undefined || String(worker.slot) === search.slot) &&
        fits(worker, words),
    )
    .sort((a, b) => ORDER.compare(a.host, b.host) || ORDER.compare(a.instance, b.instance) || a.slot - b.slot);
}

function fits(worker: WorkerShape, words: readonly string[]): boolean {
  const job = worker.job === null ? '' : `${worker.job.experiment}/${worker.job.number}`;
  const text = `${worker.worker_id} ${worker.host} ${worker.instance} ${worker.machine_class ?? ''} ${worker.process_id ?? ''} ${job}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function isFiltered({ host, instance, slot, search }: WorkersSearch): boolean {
  return host !== undefined || instance !== undefined || slot !== undefined || search !== undefined;
}

export interface WorkerPage {
  readonly rows: readonly WorkerShape[];
  readonly page: number;
  readonly pages: number;
}

/** A page that is not there (any more) is the last one. */
export function pageOf(shown: readonly WorkerShape[], asked: number): WorkerPage {
  const pages = Math.max(1, Math.ceil(shown.length / PAGE_SIZE));
  const page = Math.min(asked, pages);
  return { rows: shown.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE), page, pages };
}

export interface HostGroup {
  readonly host: string;
  readonly workers: readonly WorkerShape[];
}

export function byHost(workers: readonly WorkerShape[]): HostGroup[] {
  const groups = new Map<string, WorkerShape[]>();
  for (const worker of workers) {
    const group = groups.get(worker.host);
    if (group === undefined) groups.set(worker.host, [worker]);
    else group.push(worker);
  }
  return [...groups].map(([host, own]) => ({ host, workers: own }));
}

/** `3 busy, 2 idle, 1 silent`; what there is none of is left out. */
export function fleetText(workers: readonly WorkerShape[]): string {
  const silent = workers.filter(({ liveness, status }) => status !== 'disabled' && liveness !== 'alive').length;
  const heard = workers.filter(({ liveness }) => liveness === 'alive');
  const busy = heard.filter(({ status }) => status === 'busy').length;
  const paused = heard.filter(({ status, desired_state, command_waits }) => status === 'idle' && desired_state !== 'run' && !command_waits).length;
  const idle = heard.filter(({ status }) => status === 'idle').length - paused;
  const parts: [number, string][] = [
    [busy, 'busy'],
    [idle, 'idle'],
    [paused, 'not taking jobs'],
    [silent, 'silent'],
  ];
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [`${count.toLocaleString('en-US')} ${word}`])).join(', ');
}
