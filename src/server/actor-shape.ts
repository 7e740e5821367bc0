// People and keys as they travel: experiments by name instead of by id.
import type { ActorShape, ApiKeyShape } from '../contract/index.ts';
import { toIso } from '../runtime/clock.ts';
import type { ApiKey } from '../store/access.ts';

import { mayBringCommands, type Person } from './access.ts';

type Names = ReadonlyMap<number, string>;

export function actorShape(actor: Person, names: Names): ActorShape {
  const { kind, name, role } = actor;
  return { kind, name, role, experiments: namesOf(actor.experiments, names), may_bring_commands: mayBringCommands(actor) };
}

export function keyShape(key: ApiKey, names: Names): ApiKeyShape {
  const { id, name, prefix, role } = key;
  return {
    id,
    name,
    prefix,
    role,
    experiments: namesOf(key.experiments, names),
    created_at: toIso(key.created_at),
    last_used_at: key.last_used_at === null ? null : toIso(key.last_used_at),
    expires_at: key.expires_at === null ? null : toIso(key.expires_at),
  };
}

/** Experiments that were deleted have no name any more and are left out. */
function namesOf(ids: readonly number[] | null, names: Names): string[] | null {
  return ids === null ? null : (ids.map((id) => names.get(id)).filter((name) => name !== undefined && !name.startsWith('#')) as string[]);
}
