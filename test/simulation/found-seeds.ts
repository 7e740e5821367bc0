// Seeds whose runs once broke a promise of the product: each stays here, so that it is run for ever.
export const FOUND: readonly { readonly seed: number; readonly what: string }[] = [
  { seed: 289, what: 'a job that was gone when its agent came back was said to have run into its timeout' },
  { seed: 40696, what: 'a server that was put back to before a command never reached its workers again: they were paused, and it took them for running' },
  { seed: 41184, what: 'a command from before a backup was told again and again to a worker that held it for old, at every sync, and kept it from all jobs' },
  { seed: 231, what: 'an agent kept for ever what a server that was put back to before no longer knew as settled' },
];
