// A process of its own that claims and finishes jobs until it is told to stop, then says how fast that was.
import { openApi } from './http-connection.mjs';
import { registerAgent } from './protocol-agent.mjs';

let stopped = false;

process.on('message', (message) => {
  if (message === 'stop') stopped = true;
  else void claim(message);
});
// Without whoever measures there is nothing left to do.
process.on('disconnect', () => process.exit(1));

async function claim({ url, key, experiment, slots }) {
  const api = await openApi(url, key);
  const agent = await registerAgent({ url, api }, { experiment, slots, instance: 'claimer' });
  const began = performance.now();
  process.send('began');
  const cycles = await agent.work(() => stopped);
  const cycles_per_second = (cycles * 1000) / (performance.now() - began);
  if (!stopped) throw new Error('There were not enough jobs to claim.');
  agent.close();
  api.close();
  process.send({ cycles_per_second }, () => process.exit(0));
}
