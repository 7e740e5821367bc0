// Moments and durations: relative for the eye, exact (in the viewer's zone) on hover.
import type { JobShape } from '../../contract/index.ts';
import { useClockText } from '../live/use-now.ts';
import { hint } from './hint.tsx';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `just now`, `12s ago`, `4m ago`, `3h ago`, `2d ago`; `in 8s` for a moment to come. */
export function relativeText(at: number, now: number): string {
  const distance = Math.abs(now - at);
  const text = ageText(distance);
  if (at - now > 1_500) return `in ${text}`;
  return distance < 2_000 ? 'just now' : `${text} ago`;
}

function ageText(milliseconds: number): string {
  if (milliseconds < MINUTE) return `${Math.floor(milliseconds / 1000)}s`;
  if (milliseconds < HOUR) return `${Math.floor(milliseconds / MINUTE)}m`;
  if (milliseconds < DAY) return `${Math.floor(milliseconds / HOUR)}h`;
  return `${Math.floor(milliseconds / DAY)}d`;
}

const EXACT = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

export function exactText(moment: string): string {
  return EXACT.format(new Date(moment));
}

export function Moment({ at, prefix = '' }: { readonly at: string | null; readonly prefix?: string }) {
  if (at === null) return <Absent />;
  return <KnownMoment at={at} prefix={prefix} />;
}

function KnownMoment({ at, prefix }: { readonly at: string; readonly prefix: string }) {
  const milliseconds = Date.parse(at);
  const text = useClockText((now) => relativeText(milliseconds, now));
  return (
    <time dateTime={at} className="dr-num dr-moment" {...hint(exactText(at))}>
      {prefix}
      {text}
    </time>
  );
}

/** `820ms`, `4.2s`, `3m 07s`, `2h 05m`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))}ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${two(Math.floor((seconds % 3_600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor((seconds % 86_400) / 3_600))}h`;
}

/** Of a clock that ticks once a second: it shows no parts of one. */
export function passedText(milliseconds: number): string {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  return seconds < 10 ? `${seconds}s` : durationText(seconds * 1000);
}

/** Run time of the newest attempt; a running one counts up. */
export function JobDuration({ job }: { readonly job: JobShape }) {
  if (job.status === 'running' && job.started_at !== null) return <Elapsed since={job.started_at} />;
  return job.duration_ms === null ? <Absent /> : <span className="dr-num">{durationText(job.duration_ms)}</span>;
}

export function Elapsed({ since }: { readonly since: string }) {
  const begin = Date.parse(since);
  return <span className="dr-num">{useClockText((now) => passedText(now - begin))}</span>;
}

export function Absent() {
  return (
    <span className="dr-dim" aria-label="none">
      –
    </span>
  );
}
