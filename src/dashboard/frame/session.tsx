// Who is looking, and what they may do. Controls that would be refused are not shown.
import { useQuery } from '@tanstack/react-query';

import type { ActorShape } from '../../contract/index.ts';
import { queries } from '../queries.ts';

export interface Rights {
  readonly actor: ActorShape | null;
  /** Edit, queue, command workers. */
  readonly operate: boolean;
  /** See the PIN, delete the experiment. */
  readonly own: boolean;
  /** New command text, new experiments. */
  readonly commands: boolean;
}

export function useRights(): Rights {
  const session = useQuery(queries.session());
  const actor = session.data?.actor ?? null;
  return {
    actor,
    operate: actor !== null && actor.role !== 'viewer',
    own: actor !== null && (actor.role === 'owner' || actor.role === 'admin'),
    commands: actor !== null && actor.may_bring_commands,
  };
}
