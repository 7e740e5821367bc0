// New leases: the heads of the demands that the asking agents could serve, picked by core/schedule, granted in one set.
import { FIRST_DRIVEN_SLOT } from '../core/identifiers.ts';
import { assign, type Candidate, type Demand, demandFits, type Offer, type Place, type Resources } from '../core/schedule.ts';
import { NO_VARIABLES } from '../core/variables.ts';

import { drivenSlotsByClass } from './driven-machines.ts';
import { type CandidateRow, hotStatements, selectRows } from './hot.ts';
import { leaseToken, newNonce } from './lease-token.ts';
import { sendSets } from './set-statement.ts';
import { valueSet } from './sql.ts';
import { applyCommands } from './sync-commands.ts';
import type { DemandRow, FirstReads } from './sync-reads.ts';
import { agentActor, type GrantedLease, type Session, type SyncTerms, workerPrefix } from './sync-session.ts';
import type { Transaction } from './writer.ts';

interface Grant {
  readonly session: Session;
  readonly row: CandidateRow;
  readonly slot: number;
  readonly demand: Demand;
  readonly nonce: string;
}

/** Resolves with the experiments that were read with the demands. */
export async function claimFor(
  tx: Transaction,
  sessions: readonly Session[],
  { first, terms }: { first: FirstReads; terms: SyncTerms },
): Promise<readonly DemandRow[]> {
  if (sessions.length === 0) return [];
  const blocked = await applyCommands(tx, sessions);
  const offers = new Map(sessions.map((session) => [session, offersOf(session, { blocked, now: tx.now })]));
  const slots = [...offers.values()].flat().reduce((sum, offer) => sum + offer.slots.length + offer.ahead.length, 0);
  if (slots === 0) return first.demands;
  const demands = servableDemands(first.demands, sessions, offers);
  if (demands.some(asksForResources)) await subtractLeased(tx, offers);
  // What some of them must not be given now may stand in front.
  const barred = sessions.reduce((sum, { message }) => sum + (message.barred?.size ?? 0), 0);
  const [heads, reservations] = await Promise.all([
    Promise.all(demands.map((demand) => selectRows<CandidateRow>(tx.sql, hotStatements(tx.sql.dialect).heads, [demand.demand_id, slots + barred]))),
    standingReservations(tx, sessions),
  ]);
  const pool: Pool = new Map();
  demands.forEach((demand, index) => {
    const rows = heads[index]!;
    if (rows.length > 0) pool.set(demand.demand_id, { demand, rows });
  });
  const choice = { pool, reservations, key: terms.key };
  const grants = sessions.flatMap((session) => offers.get(session)!.flatMap((offer) => pick(session, offer, choice)));
  // Only what is left when every free slot has its job may wait for one that is not free yet.
  for (const session of sessions) grants.push(...pickAhead(session, offers.get(session)![0]!, { choice, grants }));
  grantAll(tx, grants, terms);
  return first.demands;
}

interface AgentOffer extends Offer {
  /** As the agent told them: the first to be given a job comes first. */
  readonly ahead: readonly number[];
}

function asksForResources({ cpus, memory_bytes, gpus }: Demand): boolean {
  return cpus > 0 || memory_bytes > 0 || gpus > 0;
}

/** Agents tell what their machines have; what their leases ask for is known here. */
async function subtractLeased(tx: Transaction, offers: Map<Session, AgentOffer[]>): Promise<void> {
  const rows = await tx.sql.all<{ agent_id: number } & Resources>(
    `select lease.agent_id, sum(demand.cpus) as cpus, sum(demand.memory_bytes) as memory_bytes, sum(demand.gpus) as gpus
      from lease join job on job.id = lease.job_id join demand on demand.id = job.demand_id
      where lease.agent_id in ${valueSet(tx.sql.dialect, 'int')} and lease.slot < ${FIRST_DRIVEN_SLOT} group by lease.agent_id`,
    [JSON.stringify([...offers.keys()].map((session) => session.agent.id))],
  );
  for (const [session, [offer, ...elsewhere]] of offers) {
    if (offer === undefined) continue;
    const used = rows.find((row) => row.agent_id === session.agent.id);
    if (used === undefined) continue;
    const { total_cpus, total_memory_bytes, total_gpus } = session.agent;
    const free = {
      cpus: Math.min(offer.free.cpus, total_cpus - used.cpus),
      memory_bytes: Math.min(offer.free.memory_bytes, total_memory_bytes - used.memory_bytes),
      gpus: Math.min(offer.free.gpus, total_gpus - used.gpus),
    };
    offers.set(session, [{ ...offer, free }, ...elsewhere]);
  }
}

/**
 * What an agent can take: its own free slots, less those that a command or a standing offer keeps, and what may wait at its busy ones; then,
 * for each class, those that are machines elsewhere.
 */
function offersOf(session: Session, { blocked, now }: { blocked: ReadonlySet<string>; now: number }): AgentOffer[] {
  const { message, agent, answer } = session;
  const offered = new Set(answer.leases.map((lease) => lease.slot));
  const isOpen = (slot: number): boolean => !offered.has(slot) && !blocked.has(`${agent.id}.${slot}`);
  const mayTake = (slot: number): boolean => slot >= agent.first_slot && slot < agent.first_slot + agent.workers && isOpen(slot);
  const own: AgentOffer = {
    free: message.free,
    machine_class: agent.machine_class,
    has_script: message.has_script,
    script_only: message.script_only,
    slots: [...new Set(message.free_slots.filter(mayTake))],
    ahead: message.ahead_slots.filter(mayTake),
  };
  if (session.driven.length === 0) return [own];
  const elsewhere = [...drivenSlotsByClass(session, now)].map(([machine_class, slots]): AgentOffer => ({
    free: message.free,
    machine_class,
    has_script: false,
    driven: true,
    slots: slots.filter(isOpen),
    ahead: [],
  }));
  return [own, ...elsewhere];
}

/** Demands with pending jobs in experiments that are not held and that some of the agents serve and could fit. */
function servableDemands(rows: readonly DemandRow[], sessions: readonly Session[], offers: Map<Session, AgentOffer[]>): Demand[] {
  const demands = rows.map(({ name: _name, settings_json: _settings, ...row }): Demand => ({
    ...row,
    demand_id: row.id,
    needs_script: row.needs_script === 1,
  }));
  return demands.filter((demand) => sessions.some((session) => serves(session, demand) && offers.get(session)!.some((offer) => demandFits(demand, offer))));
}

function serves(session: Session, demand: Demand): boolean {
  const { experiments_json } = session.agent;
  return experiments_json === null || (JSON.parse(experiments_json) as number[]).includes(demand.experiment_id);
}

/** Jobs for which the asking agents are kept free, by id, as far as they still wait: the next sweep ends the other reservations. */
async function standingReservations(tx: Transaction, sessions: readonly Session[]): Promise<Map<number, Place>> {
  const ids = sessions.flatMap((session) => session.agent.reserved_job_id ?? []);
  if (ids.length === 0) return new Map();
  const rows = await tx.sql.all<{ id: number; priority: number }>(
    `select job.id, job.priority from job join experiment on experiment.id = job.experiment_id where job.id in ${valueSet(tx.sql.dialect, 'int')}
      and job.status = 'pending' and job.held_at is null and job.not_before is null and experiment.held_at is null`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map(({ id, priority }) => [id, { job_id: id, priority }]));
}

type Pool = Map<number, { demand: Demand; rows: CandidateRow[] }>;

interface Choice {
  readonly pool: Pool;
  readonly reservations: Map<number, Place>;
  readonly key: SyncTerms['key'];
}

/** Picks for one agent and takes what it picked out of the pool, so that the next agent sees the rest. */
function pick(session: Session, offer: Offer, { pool, reservations, key }: Choice): Grant[] {
  const byId = new Map<number, { row: CandidateRow; demand: Demand }>();
  const candidates: Candidate[] = [];
  for (const { demand, rows } of pool.values()) {
    if (!serves(session, demand)) continue;
    const { barred } = session.message;
    const open = barred === undefined ? rows : rows.filter((row) => !barred.has(row.id));
    for (const row of open.slice(0, offer.slots.length)) {
      candidates.push({ job_id: row.id, priority: row.priority, demand });
      byId.set(row.id, { row, demand });
    }
  }
  const reserved = offer.driven === true ? null : (reservations.get(session.agent.reserved_job_id ?? 0) ?? null);
  const assignments = assign(candidates, offer, reserved);
  const taken = new Set(assignments.map((assignment) => assignment.job_id));
  for (const id of taken) reservations.delete(id);
  for (const entry of pool.values()) entry.rows = entry.rows.filter((row) => !taken.has(row.id));
  return assignments.map(({ job_id, slot }) => ({ session, slot, row: byId.get(job_id)!.row, demand: byId.get(job_id)!.demand, nonce: newNonce(key) }));
}

/** Jobs that may wait at this agent: of what is left, as far as its machine has room for them beside what it was just given. */
function pickAhead(session: Session, offer: AgentOffer, { choice, grants }: { choice: Choice; grants: readonly Grant[] }): Grant[] {
  if (offer.ahead.length === 0) return [];
  const free = { ...offer.free };
  for (const { demand } of grants.filter((grant) => grant.session === session && grant.slot < FIRST_DRIVEN_SLOT)) {
    free.cpus -= demand.cpus;
    free.memory_bytes -= demand.memory_bytes;
    free.gpus -= demand.gpus;
  }
  // By place in the list, because a slot may be in it more than once.
  const places = offer.ahead.map((_, place) => place);
  return pick(session, { ...offer, free, slots: places }, choice).map((grant) => ({ ...grant, slot: offer.ahead[grant.slot]! }));
}

function grantAll(tx: Transaction, grants: readonly Grant[], terms: SyncTerms): void {
  if (grants.length === 0) return;
  const hot = hotStatements(tx.sql.dialect);
  const prefixes = new Map(grants.map(({ session }) => [session, workerPrefix(session)]));
  const worker = ({ session }: Grant): string => prefixes.get(session)!;
  sendSets(tx.sql, [
    [hot.claimJobs, grants.map((grant) => [grant.row.id, grant.row.attempts + 1, tx.now, worker(grant), grant.slot])],
    [
      hot.insertAttempts,
      grants.map((grant) => [
        grant.row.id,
        grant.row.attempts + 1,
        0,
        grant.session.agent.id,
        worker(grant),
        grant.slot,
        grant.row.revision,
        grant.nonce,
        tx.now,
      ]),
    ],
    [
      hot.insertLeases,
      grants.map((grant) => [
        grant.row.id,
        grant.row.attempts + 1,
        0,
        grant.session.agent.id,
        worker(grant),
        grant.slot,
        tx.now,
        grant.session.message.sync_seq,
        0,
      ]),
    ],
  ]);
  for (const grant of grants) grant.session.answer.leases.push(toLease(grant, terms));
  tellClaims(tx, grants);
}

function toLease({ row, slot, nonce }: Grant, terms: SyncTerms): GrantedLease {
  const attempt = row.attempts + 1;
  return {
    job_id: row.id,
    experiment_id: row.experiment_id,
    number: row.number,
    attempt,
    rank: 0,
    token: leaseToken(terms.key, { job_id: row.id, created_at: row.created_at, attempt, rank: 0 }, nonce),
    slot,
    params_json: row.params_json,
    command_id: row.command_id,
    timeout_seconds: row.timeout_seconds,
    grace_seconds: row.grace_seconds,
    experiment: '',
    template: null,
    machine: '',
    variables: NO_VARIABLES,
    secrets: {},
  };
}

function tellClaims(tx: Transaction, grants: readonly Grant[]): void {
  const groups = new Map<string, Grant[]>();
  for (const grant of grants) {
    const key = `${grant.session.agent.id} ${grant.row.experiment_id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [grant]);
    else group.push(grant);
  }
  for (const group of groups.values()) {
    const [first] = group;
    tx.count(first!.row.experiment_id, 'pending', -group.length);
    tx.count(first!.row.experiment_id, 'running', group.length);
    tx.event({
      kind: 'jobs_claimed',
      experiment_id: first!.row.experiment_id,
      actor: agentActor(first!.session),
      numbers: group.map((grant) => grant.row.number),
      ...(group.length === 1 ? { job_id: first!.row.id } : {}),
      data: group.length === 1 ? { attempt: first!.row.attempts + 1, slot: first!.slot } : {},
    });
  }
}
