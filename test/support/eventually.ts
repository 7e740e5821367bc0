// Waits for a fact instead of for a time. A fact is a function that throws until it is so; what it said last is what a failure shows.
export interface Patience {
  /** Milliseconds. */
  readonly within?: number;
  readonly every?: number;
}

export async function eventually<T>(fact: () => T | Promise<T>, { within = 20_000, every = 25 }: Patience = {}): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await fact();
    } catch (error) {
      if (performance.now() >= deadline) {
        const last = error instanceof Error ? error.message : String(error);
        throw new Error(`Still not so after ${within / 1000} s. Last seen: ${last}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
