// The tiny shell program around every job. It outlives the agent, so the job's end is on disk whoever is there to see it.
// Descriptor 3 takes the identity, descriptor 4 the exit status; both were opened, and 4 filled, before the start,
// so that neither a full disk nor a missing directory can lose them. It forks nothing but the job.
import { constants } from 'node:os';

import type { ProcessIdentity } from './host.ts';

/**
 * Called as `sh -c SHIM sh BOOT_ID PID_NAMESPACE ATTEMPT PROGRAM ARGUMENT…`; both files name the attempt, because after a power loss
 * a directory that is used again may hold what an earlier attempt wrote. Handlers and not ignored signals: a handler is reset
 * when the job starts, an ignored signal would stay ignored in it. In parentheses, which cost nothing, because a word that the shell
 * knows itself (exit, cd) must not act on the shim. Long variable names, so that none is in the environment.
 */
export const SHIM = `trap : TERM INT HUP QUIT USR1 USR2 ALRM
__drover_boot=$1 __drover_ns=$2 __drover_name=$3
shift 3
__drover_stat=
read -r __drover_stat 2>/dev/null </proc/self/stat
__drover_pid() { printf '%s %s %s %s %s\\n' "$$" "\${20:--}" "$__drover_boot" "$__drover_ns" "$__drover_name" >&3; }
__drover_pid \${__drover_stat##*) }
exec 3>&-
("$@") 4>&-
printf '%s %s\\n' "$?" "$__drover_name" >&4
`;

/** Written into the status file beforehand: the end only overwrites it. */
export const STATUS_SPACE = ' '.repeat(63) + '\n';

/** Null while the shim has not got that far. */
export function parseIdentity(text: string, attempt: string): ProcessIdentity | null {
  const match = /^(\d+) (\S+) (\S+) (\S+) (\S+)\n/.exec(text);
  if (match === null || match[5] !== attempt) return null;
  return { pid: Number(match[1]), start_time: match[2] === '-' ? null : match[2]!, boot_id: match[3]!, pid_namespace: match[4]! };
}

export interface ExitStatus {
  readonly exit_code: number | null;
  readonly signal: string | null;
}

/** Null while the job has not ended. A shell tells a death by signal n as 128 + n. */
export function parseStatus(text: string, attempt: string): ExitStatus | null {
  const match = /^(\d{1,3}) (\S+)\n/.exec(text);
  if (match === null || match[2] !== attempt) return null;
  const status = Number(match[1]);
  const signal = status > 128 ? signalName(status - 128) : null;
  return { exit_code: signal === null ? status : null, signal };
}

function signalName(number: number): string | null {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
}
