// The network between machines and server: the client's `fetch`. Messages take time, overtake one another, come twice, get lost on
// either way, or vanish without a word.
import type { FetchReply, FetchRequest } from '../../src/contract/client.ts';

import type { Life, Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** How bad it is, as probabilities of one message. */
export interface Weather {
  /** The connection breaks before the request arrives. */
  request_lost: number;
  reply_lost: number;
  /** A proxy sends the request a second time. */
  doubled: number;
  /** Takes very long, up to the longest that a proxy holds it. */
  delayed: number;
  /** Nothing comes back and nothing breaks. */
  vanished: number;
}

export const FAIR: Weather = { request_lost: 0, reply_lost: 0, doubled: 0, delayed: 0, vanished: 0 };

const LATENCY_MS = { least: 0.2, most: 60 };
/** Longer than any lease that is used here. */
const DELAY_MS = { least: 1_000, most: 1_200_000 };
/** After so long a client takes a connection on which nothing comes for dead. */
const CLIENT_TIMEOUT_MS = 300_000;

/** What answers requests, while it lives. */
export interface Host {
  readonly machine: Machine;
  /** Null while there is none. */
  life(): Life | null;
  answer(request: Request): Promise<Response>;
}

export interface Sender {
  readonly machine: Machine;
  readonly life: Life;
  /** What is under way from it or to it ends with its connection, which it closes itself: milliseconds. Left out: proxies keep it for long. */
  readonly most_delay_ms?: number;
  /** Beside the weather: how often what it sends comes a second time, later. */
  readonly copied?: number;
}

type Fetch = (url: string, request: FetchRequest) => Promise<FetchReply>;

export class Network {
  weather: Weather = FAIR;
  /** Requests that have not arrived yet. */
  in_transit = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #host: Host;
  /** Machines that cannot reach the server. */
  readonly #cut = new Set<Machine>();

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#random = world.random.fork('network');
    this.#host = host;
  }

  cut(machine: Machine): void {
    this.#cut.add(machine);
  }

  heal(machine: Machine): void {
    this.#cut.delete(machine);
  }

  fetchFrom(sender: Sender): Fetch {
    return (url, request) => new Exchange(this.#world, this, { sender, host: this.#host, random: this.#random }).run(url, request);
  }

  isCut(machine: Machine): boolean {
    return this.#cut.has(machine);
  }
}

interface Ends {
  readonly sender: Sender;
  readonly host: Host;
  readonly random: Random;
}

function broken(reason: string): Error {
  return Object.assign(new Error('fetch failed'), { cause: new Error(reason) });
}

/** One request and its reply. */
class Exchange {
  readonly #world: World;
  readonly #network: Network;
  readonly #ends: Ends;
  #settled = false;
  #resolve: (reply: FetchReply) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  readonly #gone = new AbortController();

  constructor(world: World, network: Network, ends: Ends) {
    this.#world = world;
    this.#network = network;
    this.#ends = ends;
  }

  run(url: string, request: FetchRequest): Promise<FetchReply> {
    this.#world.stir();
    const signal = request.signal as AbortSignal | undefined;
    const { sender, random } = this.#ends;
    if (sender.life.dead) return new Promise(() => undefined);
    const result = new Promise<FetchReply>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const abort = (): void => {
      this.#fail(Object.assign(new Error('This operation was aborted'), { name: 'AbortError' }), 0);
      // The server learns of it a little later, if it does.
      this.#world.after(this.#latency(), () => this.#gone.abort());
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const timer = sender.machine.clock(sender.life).after(CLIENT_TIMEOUT_MS, () => this.#fail(broken('timed out'), 0));
    void result
      .catch(() => undefined)
      .finally(() => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      });
    void this.#send(url, request, random).catch((error: unknown) => this.#fail(error as Error, 0));
    return result;
  }

  async #send(url: string, request: FetchRequest, random: Random): Promise<void> {
    const body = await collect(request.body);
    const { weather } = this.#network;
    const { copied = 0, most_delay_ms = 0 } = this.#ends.sender;
    const copies = random.chance(Math.max(weather.doubled, copied)) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const fate = random.next();
      if (fate < weather.vanished) continue;
      if (fate < weather.vanished + weather.request_lost) {
        this.#fail(broken('connection reset'), this.#latency());
        continue;
      }
      const isLate = copied > 0 && copy === 1;
      const travel = isLate ? random.spread(DELAY_MS.least, most_delay_ms) : random.chance(weather.delayed) ? this.#delay() : this.#latency();
      this.#network.in_transit += 1;
      this.#world.after(travel, () => {
        this.#network.in_transit -= 1;
        this.#arrive(url, { ...request, body });
      });
    }
  }

  #arrive(url: string, request: FetchRequest): void {
    const { sender, host } = this.#ends;
    if (this.#network.isCut(sender.machine)) return;
    const life = host.life();
    if (life === null) return this.#fail(broken('connection refused'), this.#latency());
    host.machine.deliver(life, 0, () => void this.#answer(life, url, request));
  }

  async #answer(life: Life, url: string, request: FetchRequest): Promise<void> {
    const { sender, host, random } = this.#ends;
    this.#world.stir();
    const made = new Request(url, {
      method: request.method,
      headers: request.headers,
      signal: this.#gone.signal,
      ...(request.body === undefined ? {} : { body: request.body as Buffer<ArrayBuffer> }),
    });
    let reply: FetchReply;
    try {
      const response = await host.answer(made);
      const text = await response.text();
      reply = { status: response.status, headers: response.headers, text: () => Promise.resolve(text) };
    } catch {
      return this.#fail(broken('connection reset'), this.#latency());
    }
    this.#world.stir();
    // What a server had not sent when it died nobody gets.
    if (life.dead) return this.#fail(broken('connection reset'), this.#latency());
    const { weather } = this.#network;
    if (random.chance(weather.vanished)) return;
    if (random.chance(weather.reply_lost)) return this.#fail(broken('connection reset'), this.#latency());
    const travel = random.chance(weather.delayed) ? this.#delay() : this.#latency();
    this.#world.after(travel, () => {
      if (this.#network.isCut(sender.machine)) return;
      sender.machine.deliver(sender.life, 0, () => this.#settle(() => this.#resolve(reply)));
    });
  }

  #fail(error: Error, after: number): void {
    const { sender } = this.#ends;
    if (after === 0) return this.#settle(() => this.#reject(error));
    sender.machine.deliver(sender.life, after, () => this.#settle(() => this.#reject(error)));
  }

  #settle(settle: () => void): void {
    if (this.#settled || this.#ends.sender.life.dead) return;
    this.#settled = true;
    this.#world.stir();
    settle();
  }

  #delay(): number {
    const { random, sender } = this.#ends;
    return Math.min(random.spread(DELAY_MS.least, DELAY_MS.most), sender.most_delay_ms ?? Infinity);
  }

  #latency(): number {
    return this.#ends.random.spread(LATENCY_MS.least, LATENCY_MS.most);
  }
}

/** A body that is a stream is read before it travels. */
async function collect(body: unknown): Promise<Buffer | string | undefined> {
  if (body === undefined || typeof body === 'string') return body;
  const pieces: Buffer[] = [];
  for await (const piece of body as AsyncIterable<Buffer>) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
