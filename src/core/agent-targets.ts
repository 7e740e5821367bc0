// The kinds of machines for which an agent can be built that needs no Node there, and what such a file is called.
export const AGENT_TARGETS = ['linux-x64', 'linux-arm64'] as const;
export type AgentTarget = (typeof AGENT_TARGETS)[number];

export function isAgentTarget(text: string): text is AgentTarget {
  return (AGENT_TARGETS as readonly string[]).includes(text);
}

/** Below the server's data directory. The version is in the name: an agent of another one is never served for this one's. */
export function agentExecutablePath(target: AgentTarget, version: string): readonly string[] {
  return ['agents', `drover-agent-${version}-${target}`];
}
