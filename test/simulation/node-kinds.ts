// All kinds of nodes. The first is the one that can do every job: when all others are gone, one more of it comes.
import { agentKind } from './agent-kind.ts';
import type { NodeKind } from './node.ts';

export const NODE_KINDS: readonly [NodeKind, ...NodeKind[]] = [agentKind];
