// The wire between an agent and a server, on real sockets: it can be cut, fall silent, lose all replies, or lead to another server.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

type LineState = 'open' | 'cut' | 'silent' | 'deaf';

export interface Line {
  readonly url: string;
  /** Connections end at once and new ones are refused. */
  cut(): void;
  /** Nothing gets through any more and nobody is told, as when a cable is pulled. */
  silence(): void;
  /** What is asked arrives and is done; no answer comes back. */
  deafen(): void;
  /** Silent connections go on where they were, or have been forgotten on the way. */
  open(held?: 'go on' | 'forgotten'): void;
  /** Leads elsewhere from now on; connections end. */
  leadTo(url: string): void;
  close(): void;
}

interface Pair {
  readonly near: Socket;
  /** Null until the line first let it through. */
  far: Socket | null;
  held: boolean;
  /** Answers were lost: nothing sensible can follow on this connection. */
  deaf: boolean;
}

export async function startLine(target: string): Promise<Line> {
  let to = new URL(target);
  let state: LineState = 'open';
  const pairs = new Set<Pair>();

  function end(pair: Pair): void {
    pairs.delete(pair);
    pair.near.destroy();
    pair.far?.destroy();
  }

  function join(pair: Pair): void {
    const far = connect(Number(to.port), to.hostname);
    pair.far = far;
    // The near end hears of it when the line is open again.
    far.on('error', () => far.destroy()).on('close', () => (pair.held ? undefined : end(pair)));
    pair.near.pipe(far);
    if (state === 'deaf') deafen(pair);
    else far.pipe(pair.near);
  }

  function deafen(pair: Pair): void {
    pair.deaf = true;
    pair.far?.unpipe(pair.near);
    pair.far?.resume();
  }

  function hold(pair: Pair): void {
    const { near, far } = pair;
    pair.held = true;
    near.pause();
    if (far === null) return;
    near.unpipe(far);
    far.unpipe(near);
    far.pause();
  }

  function release(pair: Pair): void {
    pair.held = false;
    if (pair.far === null) join(pair);
    else if (pair.far.destroyed) end(pair);
    else pair.near.pipe(pair.far).pipe(pair.near);
  }

  const endAll = (): void => [...pairs].forEach(end);
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const pair: Pair = { near, far: null, held: false, deaf: false };
    pairs.add(pair);
    near.on('error', () => end(pair)).on('close', () => end(pair));
    if (state === 'silent') hold(pair);
    else join(pair);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = 'cut';
      endAll();
    },
    silence() {
      state = 'silent';
      for (const pair of pairs) hold(pair);
    },
    deafen() {
      state = 'deaf';
      for (const pair of pairs) deafen(pair);
    },
    open(held = 'go on') {
      state = 'open';
      for (const pair of [...pairs].filter(({ deaf }) => deaf)) end(pair);
      if (held === 'forgotten') endAll();
      for (const pair of [...pairs].filter(({ held: isHeld }) => isHeld)) release(pair);
    },
    leadTo(url) {
      to = new URL(url);
      endAll();
    },
    close() {
      endAll();
      server.close();
    },
  };
}
