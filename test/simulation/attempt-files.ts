// What an agent keeps of its attempts on its disk, as somebody sees it who looks there.
import type { LeaseShape } from '../../src/contract/index.ts';

import type { Disk } from './disk.ts';
import type { Ledger } from './ledger.ts';

/** Attempts that the agent of this machine still has to deliver. */
export function leftAttempts(disk: Disk, { machine, ledger }: { readonly machine: string; readonly ledger: Ledger }): LeaseShape[] {
  // A server that was put back to an earlier state never takes what belongs to jobs that it forgot; the agent keeps that.
  return attemptFiles(disk, machine).filter((lease) => !ledger.isForgottenJob(lease.job_id, ledger.grantedAt(jobToken(lease))));
}

function jobToken({ job_id, attempt, rank, token }: LeaseShape): string {
  return `jdt_${job_id}.${attempt}.${rank}.${token}`;
}

/** Leases of attempts. A directory without its own is litter that the agent removes a minute after its next start. */
function attemptFiles(disk: Disk, name: string): LeaseShape[] {
  const paths = disk.files(`/sim/${name}/jd_data`).filter((path) => path.endsWith('/lease.json') && !path.includes('/spare.'));
  return paths.flatMap((path) =>
    leaseIn(disk.file(path).bytes.toString('utf8')).filter((lease) => path.includes(`/${lease.number}.${lease.attempt}.${lease.token.slice(0, 8)}/`)),
  );
}

/** A power loss may leave a file that is not whole, or in a directory that was used again the one of before. */
function leaseIn(text: string): LeaseShape[] {
  try {
    return [(JSON.parse(text) as { lease: LeaseShape }).lease];
  } catch {
    return [];
  }
}
