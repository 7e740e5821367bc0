import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { agentToReserve, assign, demandFits, type Candidate, type Demand, type MachineSize, type Offer } from './schedule.ts';

const amount = fc.nat({ max: 8 });
const resources = fc.record({ cpus: amount, memory_bytes: amount, gpus: amount });
const machineClass = fc.constantFrom(null, 'cpu', 'gpu');
const demand: fc.Arbitrary<Demand> = fc
  .tuple(resources, fc.record({ demand_id: fc.nat(), experiment_id: fc.nat(), machine_class: machineClass, needs_script: fc.boolean() }))
  .map(([size, rest]) => ({ ...size, ...rest }));
const candidates: fc.Arbitrary<Candidate[]> = fc.uniqueArray(fc.record({ job_id: fc.nat({ max: 1000 }), priority: fc.integer({ min: -2, max: 2 }), demand }), {
  selector: (candidate) => candidate.job_id,
  maxLength: 30,
});
const offer: fc.Arbitrary<Offer> = fc.record({
  free: resources.map(({ cpus, memory_bytes, gpus }) => ({ cpus: cpus * 3, memory_bytes: memory_bytes * 3, gpus: gpus * 3 })),
  machine_class: machineClass,
  has_script: fc.boolean(),
  slots: fc.uniqueArray(fc.nat({ max: 100 }), { maxLength: 10 }),
});

describe('assigning jobs to slots', () => {
  test('never gives more than is free, a slot or a job twice, or a job that does not fit', () => {
    fc.assert(
      fc.property(candidates, offer, (queue, given) => {
        const assignments = assign(queue, given);
        const chosen = assignments.map((one) => queue.find((candidate) => candidate.job_id === one.job_id)!);
        for (const size of ['cpus', 'memory_bytes', 'gpus'] as const) {
          expect(chosen.reduce((sum, candidate) => sum + candidate.demand[size], 0)).toBeLessThanOrEqual(given.free[size]);
        }
        expect(chosen.every((candidate) => demandFits(candidate.demand, given))).toBe(true);
        const slots = assignments.map((one) => one.slot);
        expect(new Set(slots).size).toBe(slots.length);
        expect(slots.every((slot) => given.slots.includes(slot))).toBe(true);
        expect(new Set(assignments.map((one) => one.job_id)).size).toBe(assignments.length);
      }),
    );
  });

  test('goes by priority, then age, until nothing more fits; a misfit never blocks what is behind it', () => {
    fc.assert(
      fc.property(candidates, offer, (queue, given) => {
        const chosen = new Set(assign(queue, given).map((one) => one.job_id));
        const free = { ...given.free };
        let slots = given.slots.length;
        const ordered = queue.toSorted((a, b) => b.priority - a.priority || a.job_id - b.job_id);
        // Each job, in order, is chosen exactly if it fits into what the ones before it left.
        for (const candidate of ordered) {
          const fits = slots > 0 && demandFits(candidate.demand, { ...given, free });
          expect(chosen.has(candidate.job_id)).toBe(fits);
          if (!fits) continue;
          slots -= 1;
          for (const size of ['cpus', 'memory_bytes', 'gpus'] as const) free[size] -= candidate.demand[size];
        }
      }),
    );
  });

  test('gives a machine that is kept for a job to nobody behind it until it fits; who stands before it passes', () => {
    fc.assert(
      fc.property(
        candidates.filter((queue) => queue.length > 0),
        offer,
        fc.nat(),
        (queue, given, index) => {
          const kept = queue[index % queue.length]!;
          const before = (one: Candidate): boolean => one.priority > kept.priority || (one.priority === kept.priority && one.job_id <= kept.job_id);
          const free = assign(queue, given);
          const reserved = assign(queue, given, kept);
          if (free.some((one) => one.job_id === kept.job_id)) expect(reserved).toEqual(free);
          else expect(reserved).toEqual(assign(queue.filter(before), given));
        },
      ),
    );
  });

  test('does not depend on the order in which candidates and slots are given', () => {
    fc.assert(
      fc.property(candidates, offer, (queue, given) => {
        expect(assign(queue.toReversed(), { ...given, slots: given.slots.toReversed() })).toEqual(assign(queue, given));
      }),
    );
  });

  test('leaves what it was given unchanged', () => {
    fc.assert(
      fc.property(candidates, offer, (queue, given) => {
        const before = structuredClone({ queue, given });
        assign(queue, given);
        expect({ queue, given }).toEqual(before);
      }),
    );
  });
});

describe('fitting', () => {
  const asks: Demand = { demand_id: 1, experiment_id: 1, cpus: 2, memory_bytes: 4, gpus: 1, machine_class: 'gpu', needs_script: true };
  const has = { free: { cpus: 2, memory_bytes: 4, gpus: 1 }, machine_class: 'gpu', has_script: true };

  test.each([
    ['exactly what is asked', asks, has, true],
    ['a cpu too few', asks, { ...has, free: { ...has.free, cpus: 1.5 } }, false],
    ['too little memory', asks, { ...has, free: { ...has.free, memory_bytes: 3 } }, false],
    ['no gpu', asks, { ...has, free: { ...has.free, gpus: 0 } }, false],
    ['another class', asks, { ...has, machine_class: 'cpu' }, false],
    ['no class', asks, { ...has, machine_class: null }, false],
    ['any class asked', { ...asks, machine_class: null }, { ...has, machine_class: null }, true],
    ['no script', asks, { ...has, has_script: false }, false],
    ['a command of its own', { ...asks, needs_script: false }, { ...has, has_script: false }, true],
  ])('%s', (_what, demands, offers, fits) => {
    expect(demandFits(demands, offers)).toBe(fits);
  });
});

describe('which machine to keep free', () => {
  const machine: fc.Arbitrary<Omit<MachineSize, 'agent_id'>> = fc.record({
    total: resources,
    machine_class: machineClass,
    has_script: fc.boolean(),
    experiments: fc.option(fc.uniqueArray(fc.nat({ max: 4 }), { maxLength: 3 }), { freq: 2 }),
  });
  const machines = fc.array(machine, { maxLength: 10 }).map((list): MachineSize[] => list.map((one, index) => ({ ...one, agent_id: index + 1 })));

  test('one that could run the job, and no smaller one could; none if none could', () => {
    fc.assert(
      fc.property(demand, machines, fc.nat({ max: 4 }), (any, list, experiment_id) => {
        const asked = { ...any, experiment_id };
        const able = list.filter(
          (one) => (one.experiments === null || one.experiments.includes(experiment_id)) && demandFits(asked, { ...one, free: one.total }),
        );
        const chosen = agentToReserve(asked, list);
        if (able.length === 0) {
          expect(chosen).toBeNull();
          return;
        }
        const size = (one: MachineSize): number[] => [one.total.gpus, one.total.cpus, one.total.memory_bytes, one.agent_id];
        const smallest = able.map(size).toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]! || a[3]! - b[3]!)[0]!;
        expect(chosen).toBe(smallest[3]);
        // A machine that is being cleared for the job is not given up for a smaller one that joins.
        for (const { agent_id } of able) expect(agentToReserve(asked, list, agent_id)).toBe(agent_id);
      }),
    );
  });
});
