// Events as callers may see them.
import type { EventShape } from '../contract/index.ts';
import { toIso } from '../runtime/clock.ts';
import type { StoredEvent } from '../store/events.ts';

import { isPerson, maySee } from './access.ts';
import type { Actor } from './context.ts';

export function eventShape(event: StoredEvent): EventShape {
  const data = JSON.parse(event.data_json) as EventShape['data'];
  // An experiment that was deleted is known by the name that its last event carries.
  const deleted = event.kind === 'experiment_deleted' && typeof data['name'] === 'string' ? data['name'] : null;
  return { id: event.id, at: toIso(event.at), kind: event.kind, experiment: event.experiment ?? deleted, actor: event.actor, jobs: event.jobs, data };
}

/** How much of an event a caller gets: all of it, only that it happened, or nothing. */
export type Sight = 'whole' | 'hint' | 'none';

const ABOUT_MACHINES = /^(agent|worker|machine)_/;
const ABOUT_ACCESS = /^(key_|login$)/;

/** `wanted`: only these experiments; null for all that the caller may see. */
export function sightOf(event: Pick<StoredEvent, 'experiment_id' | 'kind'>, actor: Actor, wanted: ReadonlySet<number> | null): Sight {
  if (!isPerson(actor)) return 'none';
  if (event.experiment_id !== null) {
    const isWanted = wanted === null || wanted.has(event.experiment_id);
    return isWanted && maySee(actor, event.experiment_id) ? 'whole' : 'none';
  }
  const isAboutMachines = ABOUT_MACHINES.test(event.kind);
  if (wanted !== null && !isAboutMachines) return 'none';
  if (ABOUT_ACCESS.test(event.kind)) return actor.role === 'admin' && actor.experiments === null ? 'whole' : 'none';
  if (actor.experiments === null) return 'whole';
  // An agent serves several experiments. Who sees one of them learns that something changed and asks for the workers that they may see.
  return isAboutMachines ? 'hint' : 'none';
}
