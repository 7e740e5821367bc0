// A line that says how far something is: redrawn in place on a terminal, printed now and then elsewhere.
import { addSample, estimateRemaining, formatDuration, type ProgressSample } from '../core/progress.ts';
import type { Context } from './context.ts';
import type { CliDependencies, OutputStream } from './dependencies.ts';
import { noColour } from './output.ts';
import { paint, truncate } from './terminal-text.ts';

/** Outside a terminal, lines are at least this far apart. */
const PLAIN_LINE_MS = 5_000;
const BAR_WIDTH = 20;

export interface Progress {
  readonly samples: readonly ProgressSample[];
  readonly remaining: number;
}

export interface ProgressState {
  readonly label: string;
  readonly ended: number;
  readonly total: number;
  /** E.g. `2 running`. */
  readonly details: readonly string[];
  readonly progress: Progress;
}

export interface ProgressLine {
  update(state: ProgressState): void;
  /** Prints a whole line above the live one. */
  say(sentence: string): void;
  /** Leaves the last state on the screen and goes to the next line. */
  finish(): void;
}

export function emptyProgress(): Progress {
  return { samples: [], remaining: 0 };
}

export function addProgress(progress: Progress, facts: { at: number; ended: number; total: number }): Progress {
  const last = progress.samples.at(-1);
  // Work that was put back in the queue makes the earlier rate meaningless.
  const samples = last !== undefined && facts.ended < last.ended ? [] : progress.samples;
  return { samples: addSample(samples, { at: facts.at, ended: facts.ended }), remaining: facts.total - facts.ended };
}

/** Where a command shows its progress; whoever asked for JSON or ids sees it on a terminal only, or not at all. */
export function progressStream({ output, dependencies: { stderr } }: Pick<Context, 'output' | 'dependencies'>): OutputStream | null {
  return output.mode === 'table' || (output.mode === 'json' && stderr.isTTY === true) ? stderr : null;
}

/** With a null stream nothing is shown. */
export function createProgressLine({ clock, env }: Pick<CliDependencies, 'clock' | 'env'>, stream: OutputStream | null): ProgressLine {
  if (stream === null) return { update: () => {}, say: () => {}, finish: () => {} };
  return stream.isTTY === true ? liveLine(stream, clock, !noColour(env)) : plainLines(stream, clock);
}

function liveLine(stream: OutputStream, clock: CliDependencies['clock'], colours: boolean): ProgressLine {
  let shown = '';
  const clear = '\r\u001b[2K';
  return {
    update(state) {
      const bar = state.total > 0 ? `${progressBar(state.ended / state.total)} ` : '';
      const text = truncate(bar + progressText(state, clock.monotonic()), (stream.columns ?? 80) - 1);
      shown = colours && text.startsWith(bar) && bar !== '' ? paint(bar, 'green') + text.slice(bar.length) : text;
      stream.write(clear + shown);
    },
    say(sentence) {
      stream.write(`${shown === '' ? '' : clear}${sentence}\n${shown}`);
    },
    finish() {
      if (shown !== '') stream.write('\n');
      shown = '';
    },
  };
}

function plainLines(stream: OutputStream, clock: CliDependencies['clock']): ProgressLine {
  let last = { at: -Infinity, key: '' };
  return {
    update(state) {
      const key = `${state.ended}/${state.total} ${state.details.join()}`;
      const now = clock.monotonic();
      const over = state.ended === state.total;
      if (key === last.key || (now - last.at < PLAIN_LINE_MS && !over)) return;
      last = { at: now, key };
      stream.write(`${progressText(state, now)}\n`);
    },
    say: (sentence) => void stream.write(`${sentence}\n`),
    finish: () => {},
  };
}

export function progressText(state: ProgressState, now: number): string {
  const parts = [`${state.label}: ${state.ended.toLocaleString('en-US')}/${state.total.toLocaleString('en-US')}`, ...state.details];
  const left = remainingTime(state.progress, now);
  if (left !== null && left > 0) parts.push(`about ${formatDuration(left)} left`);
  return parts.join(', ');
}

function remainingTime({ samples, remaining }: Progress, now: number): number | null {
  const estimate = estimateRemaining(samples, remaining);
  const last = samples.at(-1);
  if (estimate === null || last === undefined || remaining === 0) return null;
  return Math.max(1000, estimate - (now - last.at));
}

function progressBar(share: number): string {
  const filled = Math.round(share * BAR_WIDTH);
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
}
