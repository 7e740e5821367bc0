// The audit of the chaos runs must be able to fail: each lie that a record could tell is called one.
import { describe, expect, test } from 'vitest';

import type { AttemptShape, JobShape } from '../../src/contract/schemas.ts';
import type { AgentUnit, Spell } from '../chaos/field.ts';
import type { Execution } from '../chaos/ledger.ts';
import { judge, type RecordedJob } from '../chaos/verdicts.ts';

const RULES = { max_attempts: 3, crash_limit: 8, lost_after_ms: 15_000 };
const CLAIMED = Date.parse('2026-11-21T10:00:00.000Z');
const at = (ms: number): string => new Date(CLAIMED + ms).toISOString();

function attemptOf(change: Partial<AttemptShape> = {}): AttemptShape {
  return {
    ...{
      attempt: 1,
      rank: 0,
      outcome: 'succeeded',
      revision: 0,
      worker_id: 'vm_egg_0',
      machine: null,
      claimed_at: at(0),
      started_at: at(10),
      finished_at: at(1_000),
    },
    ...{ retry_at: null, requeued_at: null, duration_ms: 990, exit_code: 0, signal: null, message: null, evidence: null, log_bytes: { stdout: 0, stderr: 0 } },
    ...change,
  };
}

function executionOf(change: Partial<Execution> = {}): Execution {
  return {
    ...{ name: '7.1.abcdefgh', number: 7, attempt: 1, starts: 1, marker: 'short-1', pid: 5, worker: 'vm_egg_0', lines: null, exit_code: 0, ends: 1 },
    ...{ torn: false, outrun: false, stored: [], resumed: undefined },
    ...change,
  };
}

interface Told {
  readonly status?: JobShape['status'];
  readonly attempts?: readonly AttemptShape[];
  readonly executions?: readonly Execution[];
  readonly exit_code?: number;
}

function recordedJob({ status = 'done', attempts = [attemptOf()], executions = [executionOf()], exit_code = 0 }: Told): RecordedJob {
  const job = { number: 7, status, attempts: attempts.length, outcome: attempts.at(-1)?.outcome ?? null, params: { marker: 'short-1' } } as unknown as JobShape;
  return { job, attempts, executions, planned: { marker: 'short-1', long: false, exit_code, command: '', params: {} } };
}

function spellOf(kind: string, side: Spell['side'], change: Partial<Spell> = {}): Spell {
  return {
    kind,
    side,
    struck: side === 'job' ? ['7.1.abcdefgh'] : [side === 'agent' ? 'agent 1' : 'server 1'],
    from: CLAIMED,
    healed: CLAIMED + 500,
    recovered: CLAIMED + 900,
    ...change,
  };
}

function verdictsOn(told: Told, spells: Spell[] = []): string[] {
  return judge({ spells, agentOf: () => ({ name: 'agent 1' }) as AgentUnit }, recordedJob(told), RULES);
}

const RETRIED = attemptOf({ attempt: 2 });
const SECOND = executionOf({ name: '7.2.ijklmnop', attempt: 2 });
const KILLED = attemptOf({ outcome: 'failed', exit_code: null, signal: 'SIGKILL' });
const CUT_SHORT = executionOf({ exit_code: null, ends: 0 });
const LOST = attemptOf({ outcome: 'lost', exit_code: null, finished_at: at(20_000) });
const RELEASED = attemptOf({ outcome: 'released', exit_code: null });

describe('what is as it should be', () => {
  test.each<[string, Told, Spell[]]>([
    ['a job that succeeded', {}, []],
    ['one that was killed and ran again', { attempts: [KILLED, RETRIED], executions: [CUT_SHORT, SECOND] }, [spellOf('kill job', 'job')]],
    ['one whose agent was killed', { attempts: [LOST, RETRIED], executions: [CUT_SHORT, SECOND] }, [spellOf('kill agent', 'agent')]],
    [
      'one whose agent was silent for long',
      { attempts: [LOST, RETRIED], executions: [CUT_SHORT, SECOND] },
      [spellOf('cut line', 'agent', { recovered: CLAIMED + 18_000 })],
    ],
    ['one that was given back', { attempts: [RELEASED, RETRIED], executions: [SECOND] }, [spellOf('stop agent', 'agent')]],
  ])('%s', (_, told, spells) => {
    expect(verdictsOn(told, spells)).toEqual([]);
  });
});

describe('what is a lie', () => {
  test.each<[string, Told, Spell[], RegExp]>([
    ['a success that nobody had', { executions: [CUT_SHORT] }, [], /no successful end/],
    ['a success of which the ledger knows nothing', { executions: [] }, [], /no successful end/],
    ['an execution without an attempt', { executions: [executionOf(), SECOND] }, [], /the record does not/],
    ['an attempt that was started twice', { executions: [executionOf({ starts: 2 })] }, [], /started 2 times/],
    ['a job that was done twice', { attempts: [attemptOf(), RETRIED], executions: [executionOf(), SECOND] }, [], /done twice/],
    ['the params of another job', { executions: [executionOf({ marker: 'short-2' })] }, [], /params of short-2/],
    ['another worker than it ran on', { executions: [executionOf({ worker: 'vm_nut_0' })] }, [], /ran on vm_nut_0/],
    ['a kill that did not happen', { attempts: [KILLED, RETRIED], executions: [CUT_SHORT, SECOND] }, [], /nobody killed it/],
    [
      'a loss because the server was away',
      { attempts: [LOST, RETRIED], executions: [CUT_SHORT, SECOND] },
      [spellOf('kill server', 'server')],
      /explains the loss/,
    ],
    ['a loss after a short silence', { attempts: [LOST, RETRIED], executions: [CUT_SHORT, SECOND] }, [spellOf('cut line', 'agent')], /explains the loss/],
    ['a release without a reason', { attempts: [RELEASED, RETRIED], executions: [SECOND] }, [], /explains the release/],
    [
      'an end that was told to nobody',
      { attempts: [LOST, RETRIED], executions: [executionOf(), SECOND] },
      [spellOf('pause agent', 'agent', { recovered: CLAIMED + 18_000 })],
      /never reached the record/,
    ],
    ['another exit code', { status: 'aborted', attempts: [attemptOf({ outcome: 'failed', exit_code: 1 })], executions: [executionOf()] }, [], /ledger 0/],
    [
      'a refusal while the lease was held',
      { attempts: [attemptOf({ outcome: 'failed', exit_code: 8 }), RETRIED], executions: [CUT_SHORT, SECOND] },
      [],
      /held its lease/,
    ],
    ['a job that was given up early', { status: 'aborted', attempts: [KILLED], executions: [CUT_SHORT] }, [spellOf('kill job', 'job')], /given up early/],
    ['a job that never ended', { status: 'running', attempts: [attemptOf({ outcome: null })], executions: [CUT_SHORT] }, [], /never came to an end/],
  ])('%s', (_, told, spells, expected) => {
    expect(verdictsOn(told, spells).join('\n')).toMatch(expected);
  });
});
