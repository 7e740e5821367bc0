// Structured logs: JSON lines, or aligned text on a terminal. Messages are constant; values are fields. Secrets are never fields.
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: string;
  /** `text` is for eyes, `json` for machines. */
  readonly format: 'json' | 'text';
  readonly destination?: DestinationStream;
}

/** Field names whose values must never be printed, wherever they stand. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'secret', 'key', 'pin', 'password', 'link_token'];

export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true });
  return pino(
    {
      name: options.name,
      level: options.level,
      base: { name: options.name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[secret]' },
    },
    options.format === 'json' ? destination : textDestination(destination),
  );
}

export const silentLog: Log = pino({ level: 'silent' });

function textDestination(out: DestinationStream): DestinationStream {
  return { write: (line: string) => out.write(entryText(JSON.parse(line) as LogEntry)) };
}

/** A line of a JSON log, parsed. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** `2026-11-21T08:30:00.000Z  INFO      job started  job=digits-tune/42` */
export function entryText({ time, level, msg, name: _name, ...fields }: LogEntry): string {
  // What is not known need not be read.
  const known = Object.entries(fields).filter(([, value]) => value !== null);
  const rest = known.map(([key, value]) => `${key}=${fieldText(value)}`);
  return logLine(String(time), String(level), `${String(msg)}${rest.length > 0 ? `  ${rest.join(' ')}` : ''}`);
}

export function logLine(time: string, level: string, text: string): string {
  return `${time}  ${level.toUpperCase().padEnd(8)}  ${text}\n`;
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify((value as { message: unknown }).message);
  return JSON.stringify(value);
}
