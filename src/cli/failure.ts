// How a command ends: exit codes, and the one sentence that says what to do.
import type { ApiError } from '../contract/problem.ts';

export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  not_found: 4,
  unreachable: 5,
  not_all_done: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with this code. Without a message nothing is printed. */
export class CliFailure extends Error {
  readonly exit_code: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.name = 'CliFailure';
    this.exit_code = exitCode;
  }
}

export function usageError(message: string): CliFailure {
  return new CliFailure(EXIT.usage, message);
}

/** Recognised by name, so that a command that needs no server does not load the contract. */
export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === 'ApiError' && 'code' in error;
}

export interface Ending {
  readonly exit_code: number;
  readonly message: string;
}

export function endingOf(error: unknown): Ending {
  if (error instanceof CliFailure) return { exit_code: error.exit_code, message: error.message };
  if (isApiError(error)) return { exit_code: apiExitCode(error), message: error.message };
  if (error instanceof Error && error.name === 'ConfigError') return { exit_code: EXIT.usage, message: error.message };
  if (error instanceof Error && error.name === 'AgentFailure') return { exit_code: EXIT.refused, message: error.message };
  const fault = diskFault(error);
  if (fault !== null) return { exit_code: EXIT.refused, message: fault };
  return { exit_code: EXIT.unexpected, message: error instanceof Error ? error.message : String(error) };
}

const DISK_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EMFILE: 'too many files are open',
  EIO: 'the disk does not work',
};

/** What is wrong with a disk here is nobody's mistake in the program. */
function diskFault(error: unknown): string | null {
  if (!(error instanceof Error) || !('syscall' in error)) return null;
  const { code = '', path, syscall } = error as NodeJS.ErrnoException;
  const said = DISK_FAULTS[code];
  return said === undefined ? null : `${path ?? `A file (${syscall})`}: ${said}.`;
}

function apiExitCode(error: ApiError): ExitCode {
  if (error.code === 'unreachable' || error.code === 'unavailable') return EXIT.unreachable;
  if (error.code === 'unexpected_reply' || error.code === 'internal') return EXIT.unexpected;
  return error.status === 404 ? EXIT.not_found : EXIT.refused;
}
