// Answers the bench: each message names one of the commands and brings its argument; what the command returns goes back.
// Without whoever measures there is nothing left to do, so the process ends with the channel.

/** @param {Record<string, (argument: any) => unknown>} commands */
export function answer(commands) {
  process.on('message', ({ command, argument }) => {
    Promise.resolve()
      .then(() => commands[command](argument))
      .then(
        (value) => process.send({ value: value ?? null }),
        (error) => process.send({ error: String(error?.stack ?? error) }),
      );
  });
  process.on('disconnect', () => process.exit(0));
}

/** Milliseconds of one clock for submission and start. */
export const now = () => performance.now();

/** Submits one at a time to a consumer that idles, and gives the milliseconds from before each submission to the beginning of its job. */
export async function startTimes({ samples, idle_ms }, { submit, onStart }) {
  const times = [];
  for (let index = 0; index < samples; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, idle_ms.least + Math.random() * idle_ms.spread));
    const started = new Promise((resolve) => onStart(() => resolve(now())));
    const sent = now();
    await submit(index);
    times.push((await started) - sent);
  }
  return times;
}
