// The live stream: one reader follows the end of the events, and every open stream gets its part of what it reads.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { newestEvent, nextEvents, readEventsAfter, type StoredEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';

import { actorKey } from './access.ts';
import type { Actor } from './context.ts';
import { eventShape, sightOf } from './event-view.ts';

export interface StreamRequest {
  readonly actor: Actor;
  /** Ids; null for all that the actor may see. */
  readonly experiments: ReadonlySet<number> | null;
  /** The cursor that the client has, if any. */
  readonly cursor: string | null;
  /** Who the client is now; rejects when its session has ended. */
  readonly recheck: () => Promise<Actor>;
}

export interface EventStream {
  /** The body of one stream. */
  open(request: StreamRequest): Promise<ReadableStream<Uint8Array>>;
  /** Ends all streams and stops reading. */
  close(): void;
}

export interface StreamOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

interface Subscriber {
  readonly request: StreamRequest;
  actor: Actor;
  /** Events up to this id were sent, or were not for it. */
  position: number;
  beats: number;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Takes it off all lists; does nothing the second time. */
  readonly leave: () => void;
}

const BEAT_MS = 15_000;
const BEATS_PER_RECHECK = 3;
/** Shortest time between two reads: a busy store commits more often than anybody looks. */
const PAUSE_MS = 50;
const PAUSE_AFTER_FAULT_MS = 1_000;
/** A reader that leaves more than this unread is ended; it comes back with its cursor. */
const BUFFER_BYTES = 1024 * 1024;

const encoder = new TextEncoder();
const BEAT = encoder.encode(':\n\n');

export function createEventStream(options: StreamOptions): EventStream {
  return new Streams(options);
}

class Streams implements EventStream {
  readonly #options: StreamOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #counts = new Map<string, number>();
  #position = 0;
  /** True while a read is under way or its pause is not over; `#again` asks for one more after it. */
  #busy = false;
  #again = false;
  #closed = false;
  #beat: Timer | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  async open(request: StreamRequest): Promise<ReadableStream<Uint8Array>> {
    const key = actorKey(request.actor);
    this.#admit(key);
    try {
      const start = await this.#firstMessages(request);
      return this.#subscribe(request, key, start);
    } catch (error) {
      this.#leave(key);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) this.#end(subscriber);
    this.#rest();
  }

  #admit(key: string): void {
    if (this.#closed) throw new Refusal('unavailable', 'The server is stopping. Try again in a moment.', { retry_after_seconds: 2 });
    const count = this.#counts.get(key) ?? 0;
    const most = LIMITS.streams_per_actor.value;
    if (count >= most) throw new Refusal('too_many', `This key or session has ${most} event streams open, which is the most it may have. Close some of them.`);
    this.#counts.set(key, count + 1);
  }

  #leave(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }

  /** What a new stream is told before anything live: where it stands, and what it missed. */
  async #firstMessages(request: StreamRequest): Promise<{ readonly text: string; readonly position: number }> {
    const { store } = this.#options;
    if (request.cursor === null) {
      const newest = await newestEvent(store);
      return { text: message(this.#cursor(newest), 'ready', '{}'), position: newest };
    }
    const known = this.#parseCursor(request.cursor);
    const missed = known === null ? { events: [], reset: true, cursor: await newestEvent(store) } : await readEventsAfter(store, known);
    if (missed.reset) return { text: message(this.#cursor(missed.cursor), 'reset', '{}'), position: missed.cursor };
    const texts = missed.events.map((event) => this.#textFor(event, request.actor, request.experiments)).filter((text) => text !== null);
    return { text: `${message(this.#cursor(known!), 'ready', '{}')}${texts.join('')}`, position: missed.cursor };
  }

  #subscribe(request: StreamRequest, key: string, start: { readonly text: string; readonly position: number }): ReadableStream<Uint8Array> {
    let subscriber: Subscriber | null = null;
    const leave = (): void => {
      if (subscriber === null) return;
      this.#subscribers.delete(subscriber);
      subscriber = null;
      this.#leave(key);
      if (this.#subscribers.size === 0) this.#rest();
    };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          subscriber = { request, actor: request.actor, position: start.position, beats: 0, controller, leave };
          // The follower may be behind this stream's start, never ahead of what the stream still needs.
          this.#position = this.#subscribers.size === 0 ? start.position : Math.min(this.#position, start.position);
          this.#subscribers.add(subscriber);
          controller.enqueue(encoder.encode(start.text));
          this.#follow();
        },
        cancel: leave,
      },
      { highWaterMark: BUFFER_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  /** Listens and beats while anybody is there. */
  #follow(): void {
    this.#unsubscribe ??= this.#options.store.onChange((change) => {
      if (change.events) this.#read();
    });
    if (this.#beat === null) this.#scheduleBeat();
    this.#read();
  }

  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#beat?.cancel();
    this.#beat = null;
  }

  #read(): void {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    void this.#readAll();
  }

  async #readAll(): Promise<void> {
    let pause = PAUSE_MS;
    try {
      while (this.#again && this.#subscribers.size > 0) {
        this.#again = false;
        const from = this.#position;
        const events = await nextEvents(this.#options.store, from);
        for (const subscriber of this.#subscribers) this.#send(subscriber, events);
        // A stream that began meanwhile may have set the follower back.
        if (this.#position === from) this.#position = events.at(-1)?.id ?? from;
        else this.#again = true;
        if (events.length === LIMITS.stream_events.value) this.#again = true;
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not read new events');
      this.#again = true;
      pause = PAUSE_AFTER_FAULT_MS;
    }
    this.#options.clock.after(pause, () => {
      this.#busy = false;
      if (this.#again && this.#subscribers.size > 0) this.#read();
    });
  }

  #send(subscriber: Subscriber, events: readonly StoredEvent[]): void {
    let text = '';
    for (const event of events) {
      if (event.id <= subscriber.position) continue;
      subscriber.position = event.id;
      text += this.#textFor(event, subscriber.actor, subscriber.request.experiments) ?? '';
    }
    if (text !== '') this.#enqueue(subscriber, encoder.encode(text));
  }

  #enqueue(subscriber: Subscriber, bytes: Uint8Array): void {
    const room = subscriber.controller.desiredSize ?? 0;
    if (room < bytes.byteLength) this.#end(subscriber);
    else subscriber.controller.enqueue(bytes);
  }

  #end(subscriber: Subscriber): void {
    subscriber.leave();
    try {
      subscriber.controller.close();
    } catch {
      // The client closed it in the same moment.
    }
  }

  #scheduleBeat(): void {
    this.#beat = this.#options.clock.after(BEAT_MS, () => {
      for (const subscriber of this.#subscribers) this.#beatOne(subscriber);
      if (this.#subscribers.size > 0) this.#scheduleBeat();
      else this.#beat = null;
    });
  }

  #beatOne(subscriber: Subscriber): void {
    subscriber.beats += 1;
    this.#enqueue(subscriber, BEAT);
    if (subscriber.beats % BEATS_PER_RECHECK !== 0) return;
    subscriber.request.recheck().then(
      (actor) => {
        if (actorKey(actor) === actorKey(subscriber.actor)) subscriber.actor = actor;
        else this.#end(subscriber);
      },
      (error: unknown) => {
        // Only a clear no ends it: a database that is away for a moment is no reason.
        if (error instanceof Refusal) this.#end(subscriber);
      },
    );
  }

  #textFor(event: StoredEvent, actor: Actor, wanted: ReadonlySet<number> | null): string | null {
    const sight = sightOf(event, actor, wanted);
    if (sight === 'none') return null;
    return message(this.#cursor(event.id), event.kind, sight === 'whole' ? wholeText(event) : hintText(event));
  }

  /** The store's name is part of it, so that a cursor of another store on the same address is not taken for one of this. */
  #cursor(id: number): string {
    return `${this.#options.store.id.slice(0, 8)}.${id}`;
  }

  #parseCursor(text: string): number | null {
    const match = /^([A-Za-z0-9_-]{1,8})\.(\d{1,15})$/.exec(text);
    return match !== null && match[1] === this.#options.store.id.slice(0, 8) ? Number(match[2]) : null;
  }
}

const wholeTexts = new WeakMap<StoredEvent, string>();

/** The same event goes to many streams; its text is made once. */
function wholeText(event: StoredEvent): string {
  let text = wholeTexts.get(event);
  if (text === undefined) {
    text = JSON.stringify(eventShape(event));
    wholeTexts.set(event, text);
  }
  return text;
}

function hintText(event: StoredEvent): string {
  return JSON.stringify({ ...eventShape(event), actor: null, data: {} });
}

function message(id: string, kind: string, data: string): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${data}\n\n`;
}
