// Seeds whose runs once broke a promise of the product: each stays here, so that it is run for ever.
export const FOUND: readonly { readonly seed: number; readonly what: string }[] = [
  { seed: 289, what: 'a job that was gone when its agent came back was said to have run into its timeout' },
  { seed: 40696, what: 'a server that was put back to before a command never reached its workers again: they were paused, and it took them for running' },
  { seed: 41184, what: 'a command from before a backup was told again and again to a worker that held it for old, at every sync, and kept it from all jobs' },
  { seed: 231, what: 'an agent kept for ever what a server that was put back to before no longer knew as settled' },
  { seed: 54295, what: 'an execution that a restored record had forgotten was told as the late end of the attempt that took its number' },
  { seed: 301659, what: 'a lease offered again after a loss of power mixed the output of two executions: that of the first was still on its way' },
  { seed: 321895, what: 'a job was stopped for its time limit by an agent that was started anew after the clock of its machine had been set' },
  {
    seed: 405791,
    what: 'a worker of JobDistributor that had lost a job was given it again at once, and the late report of its first try was taken for the second',
  },
  {
    seed: 518783,
    what: 'while a copy of a report was under way, the clock of the server was set forward: it took the copy for the report of the next try',
  },
];
