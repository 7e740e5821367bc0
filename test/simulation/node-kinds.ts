// All kinds of nodes. When too few are left of one, one more of it comes.
import { agentKind } from './agent-kind.ts';
import type { NodeKind } from './node.ts';
import { oldClientKind } from './old-client-kind.ts';

export const NODE_KINDS: readonly [NodeKind, ...NodeKind[]] = [agentKind, oldClientKind];
