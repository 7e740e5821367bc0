// Agents and servers of neighbouring minor versions work together; further apart they refuse each other clearly.
import { Refusal } from '../core/refusal.ts';

/** Remembers the last version that was fine: nearly all callers have the same one. */
export function createVersionCheck(own: string): (theirs: string | null) => void {
  let fine: string | null = null;
  return (theirs) => {
    if (theirs === null || theirs === fine) return;
    if (!areNeighbours(own, theirs)) {
      const shown = theirs.slice(0, 40);
      throw new Refusal(
        'version_mismatch',
        `The agent is version ${shown}, the server ${own}; they may be one minor version apart. Fetch the agent of this server (GET /agent.mjs) and start it again.`,
        {
          server_version: own,
        },
      );
    }
    fine = theirs;
  };
}

export function areNeighbours(a: string, b: string): boolean {
  const left = parse(a);
  const right = parse(b);
  return left !== null && right !== null && left.major === right.major && Math.abs(left.minor - right.minor) <= 1;
}

function parse(version: string): { major: number; minor: number } | null {
  const match = /^v?(\d{1,6})\.(\d{1,6})(?:\.|$)/.exec(version);
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]) };
}
