// Settings: one table from which flags, environment names, files and documentation come.
// Order: flag, environment, project file (drover.json), user file, default. Read once, then passed on as a value.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import * as z from 'zod';

import { EXPERIMENT_NAME } from '../core/identifiers.ts';
import { LIMITS } from '../core/limits.ts';
import { makeDirectories } from './make-directories.ts';
import { replaceFile } from './replace-file.ts';
import { didYouMean } from './spelling.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Takes text (flag, environment) as well as the value itself (file). */
  readonly schema: Schema;
  /** In order of precedence. */
  readonly env: readonly string[];
  readonly fallback: z.output<Schema>;
  readonly description: string;
  /** Never printed, and refused in a project file, which is often shared. */
  readonly secret?: true;
}

const Port = z.union([z.int(), digits()]).pipe(z.int().min(0).max(65_535));
const WorkerCount = z.union([z.int(), digits()]).pipe(z.int().min(1).max(4_096));
const MegaBytes = z.union([z.int(), digits()]).pipe(z.int().min(1).max(1_000_000));
const Text = z.string().min(1).max(4_096);
/** What can stand in a header of HTTP. */
export const API_KEY = /^[\x21-\x7e]{1,4096}$/;
const ApiKey = z.string().regex(API_KEY, 'an API key is one word of plain letters, digits and signs; copy the whole of it');
const Flag = z.union([z.boolean(), z.enum(['true', '1', 'yes', 'false', '0', 'no']).transform((text) => ['true', '1', 'yes'].includes(text))]);
const Address = z.string().regex(/^[0-9A-Fa-f.:]+(\/\d{1,3})?$/, 'it must be addresses or ranges such as 10.0.0.0/8, separated by commas');
const AddressList = z.union([z.array(Address), z.string().transform((text) => text.split(',').map((part) => part.trim()))]).pipe(z.array(Address));
const ExperimentName = z.string().regex(EXPERIMENT_NAME, 'it must be the name of an experiment, such as digits-tune');
const ServerUrl = z
  .string()
  .regex(/^https?:\/\/[^/\s]/, 'it must be a URL such as http://127.0.0.1:5000')
  .refine((text) => URL.canParse(text), 'it must be a URL such as http://127.0.0.1:5000')
  .transform(trimUrl);

export const SETTINGS = {
  url: setting(
    ServerUrl.nullable(),
    ['DROVER_URL', 'JD_SERVER', 'JD_HUB_URL'],
    null,
    'server that commands talk to; default the one that the user file knows, if it knows one alone, else http://127.0.0.1 with `port`',
  ),
  api_key: {
    ...setting(ApiKey.nullable(), ['DROVER_API_KEY', 'JD_API_KEY'], null, 'API key; default the key that the user file holds for the server'),
    secret: true,
  },
  experiment: setting(Text.nullable(), ['DROVER_EXPERIMENT', 'JD_EXP_ID'], null, 'experiment of commands that name none'),
  host: setting(Text, ['DROVER_HOST'], '127.0.0.1', 'address the server listens on'),
  port: setting(Port, ['DROVER_PORT', 'JD_PORT'], 5000, 'port the server listens on'),
  data_dir: setting(Text, ['DROVER_DATA_DIR'], '.drover', 'directory in which the server keeps everything'),
  database: { ...setting(Text.nullable(), ['DROVER_DATABASE'], null, 'postgres://… instead of the SQLite file in `data_dir`'), secret: true },
  log_level: setting(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    ['DROVER_LOG_LEVEL'],
    'info',
    'least severe log lines of server and agent; `up` keeps to warn',
  ),
  log_format: setting(z.enum(['text', 'json']), ['DROVER_LOG_FORMAT'], 'text', 'log lines for eyes or for machines'),
  trusted_proxies: setting(
    AddressList,
    ['DROVER_TRUSTED_PROXIES'],
    [],
    'addresses of proxies in front of the server whose forwarded addresses count, e.g. 10.0.0.0/8',
  ),
  open_workers: setting(
    ExperimentName.nullable(),
    ['DROVER_OPEN_WORKERS'],
    null,
    'experiment whose jobs clients of JobDistributor on this machine get without a token',
  ),
  open_workers_from: setting(
    AddressList,
    ['DROVER_OPEN_WORKERS_FROM'],
    [],
    'addresses from which `open_workers` may come instead of this machine, e.g. 10.1.0.0/16',
  ),
  artifact_limit_mb: setting(
    MegaBytes,
    ['DROVER_ARTIFACT_LIMIT_MB'],
    LIMITS.artifact_bytes.value / 2 ** 20,
    'largest file or checkpoint that a job may upload',
  ),
  workers: setting(WorkerCount.nullable(), ['DROVER_WORKERS', 'JD_NUM_WORKERS'], null, 'jobs that an agent runs at the same time; default 2 with `up`, else 1'),
  class: setting(Text.nullable(), ['DROVER_CLASS', 'JD_MACHINE_TYPE'], null, 'class of machine that an agent offers'),
  script: setting(Text.nullable(), ['DROVER_SCRIPT', 'JD_ENTRY_SCRIPT'], null, 'script that an agent runs for jobs without a command'),
  python: setting(Text.nullable(), ['DROVER_PYTHON', 'JD_PYTHON'], null, 'interpreter of Python scripts; default python3'),
  workspace: setting(Text.nullable(), ['DROVER_WORKSPACE', 'JD_WORKSPACE_PATH'], null, 'directory under which jobs get their own; default the home directory'),
  cache: setting(Text.nullable(), ['DROVER_CACHE', 'JD_CACHE_PATH'], null, 'directory in which agents of this machine are registered; default ~/.jd_cache'),
  log_dir: setting(Text.nullable(), ['DROVER_LOG_DIR', 'JD_LOG_DIR'], null, "directory of the agents' own logs"),
  ca_file: setting(Text.nullable(), ['DROVER_CA_FILE'], null, 'certificates (PEM) that commands and agents trust beside the usual ones'),
  foreground: setting(Flag, ['DROVER_FOREGROUND', 'JD_FOREGROUND'], false, 'whether `worker start` stays in the foreground'),
  once: setting(Flag, ['DROVER_ONCE', 'JD_ONCE'], false, 'whether an agent leaves after one job per worker'),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']> };

const SOURCES = ['flag', 'environment', 'project file', 'user file', 'default'] as const;

export interface Source {
  readonly kind: (typeof SOURCES)[number];
  /** Name of the variable, path of the file. */
  readonly name: string | null;
}

const KnownServerSchema = z.strictObject({ api_key: z.string(), store_id: z.string() });
export type KnownServer = z.output<typeof KnownServerSchema>;

export interface Configuration {
  readonly settings: Settings;
  readonly sources: Readonly<Record<SettingName, Source>>;
  /** Servers of this user, by URL, with the key that opens each. */
  readonly servers: Readonly<Record<string, KnownServer>>;
  readonly user_file: string;
  readonly project_file: string | null;
}

export interface ConfigurationInput {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
}

/** A setting that cannot be: the message says which one, where it stands and what would be right. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

export function loadConfiguration(input: ConfigurationInput): Configuration {
  const userFile = userFilePath(input.env, input.home);
  const projectFile = findProjectFile(input.cwd);
  const user = readSettingsFile(userFile, { holds_servers: true });
  const project = projectFile === null ? {} : readSettingsFile(projectFile, { holds_servers: false });
  const settings: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const found = find(name, input, { user, userFile, project, projectFile });
    settings[name] = found.source.kind === 'default' ? found.value : check(name, found.value, found.source);
    sources[name] = found.source;
  }
  return Object.freeze({
    settings: Object.freeze(settings) as Settings,
    sources: sources as Record<SettingName, Source>,
    servers: readServers(user['servers'], userFile),
    user_file: userFile,
    project_file: projectFile,
  });
}

/** The server that commands talk to. A port that was given closer than the URL (flag or environment against a file) wins. */
export function serverUrl({ settings, sources, servers }: Configuration): string {
  const rank = (name: SettingName): number => SOURCES.indexOf(sources[name].kind);
  if (settings.url !== null && rank('url') <= rank('port')) return settings.url;
  // Nobody said which, and this user has started or met one alone.
  const [only, ...others] = Object.keys(servers);
  if (sources.port.kind === 'default' && only !== undefined && others.length === 0) return only;
  return `http://127.0.0.1:${settings.port}`;
}

export function apiKeyFor(configuration: Configuration, url: string): string | null {
  if (configuration.settings.api_key !== null) return configuration.settings.api_key;
  return knownServer(configuration, url)?.api_key ?? null;
}

export function knownServer({ servers }: Configuration, url: string): KnownServer | null {
  const key = serverKey(url);
  return Object.hasOwn(servers, key) ? servers[key]! : null;
}

/** Keeps the key of a server in the user file, so that the commands of this user on this machine work at once. */
export function rememberServer(place: { env: Environment; home: string }, url: string, server: KnownServer): void {
  const path = userFilePath(place.env, place.home);
  const content = readSettingsFile(path, { holds_servers: true });
  const servers = { ...readServers(content['servers'], path), [serverKey(url)]: server };
  makeDirectories(dirname(path), 0o700);
  replaceFile(path, `${JSON.stringify({ ...content, servers }, null, 2)}\n`, 0o600);
}

export function userFilePath(env: Environment, home: string): string {
  const base = env['XDG_CONFIG_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(home, '.config'), 'drover', 'config.json');
}

export function settingFlag(name: SettingName): string {
  return `--${name.replaceAll('_', '-')}`;
}

export function sourceText(source: Source): string {
  return source.name === null ? source.kind : `${source.kind} ${source.name}`;
}

interface Files {
  readonly user: Record<string, unknown>;
  readonly userFile: string;
  readonly project: Record<string, unknown>;
  readonly projectFile: string | null;
}

function find(name: SettingName, input: ConfigurationInput, files: Files): { value: unknown; source: Source } {
  if (input.flags[name] !== undefined) return { value: input.flags[name], source: { kind: 'flag', name: settingFlag(name) } };
  for (const variable of SETTINGS[name].env) {
    const text = input.env[variable];
    if (text === undefined || text === '') continue;
    const value = variable.startsWith('JD_') && name === 'url' ? addressOf(text, input.env['JD_PORT']) : text;
    return { value, source: { kind: 'environment', name: variable } };
  }
  if (name in files.project) return { value: files.project[name], source: { kind: 'project file', name: files.projectFile } };
  if (name in files.user) return { value: files.user[name], source: { kind: 'user file', name: files.userFile } };
  return { value: SETTINGS[name].fallback, source: { kind: 'default', name: null } };
}

function check(name: SettingName, value: unknown, source: Source): unknown {
  const parsed = SETTINGS[name].schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const shown = 'secret' in SETTINGS[name] ? 'this value' : JSON.stringify(value);
  const place = source.kind === 'flag' || source.kind === 'environment' ? source.name! : `${name} in ${source.name}`;
  throw new ConfigError(`${place}: ${shown} is not possible: ${firstProblem(parsed.error)}.`);
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0]!;
  const union = issue.code === 'invalid_union' ? issue.errors.flat().at(-1) : undefined;
  return (union ?? issue).message.replace(/\.$/, '');
}

function findProjectFile(cwd: string): string | null {
  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    const path = join(directory, 'drover.json');
    if (existsSync(path)) return path;
    if (dirname(directory) === directory) return null;
  }
}

function readSettingsFile(path: string, kind: { holds_servers: boolean }): Record<string, unknown> {
  const content = parseFile(path);
  const known: string[] = [...Object.keys(SETTINGS), ...(kind.holds_servers ? ['servers'] : [])];
  for (const name of Object.keys(content)) {
    if (!known.includes(name)) throw new ConfigError(`${path}: there is no setting ${JSON.stringify(name)}.${didYouMean(name, known)}`);
    if (!kind.holds_servers && 'secret' in SETTINGS[name as SettingName]) {
      throw new ConfigError(`${path}: ${name} is a secret and does not belong into a project file; set ${SETTINGS[name as SettingName].env[0]} instead.`);
    }
  }
  return content;
}

function parseFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new ConfigError(`${path} cannot be read (${code}).`);
  }
  try {
    const content = JSON.parse(text) as unknown;
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${path} is not JSON: ${(error as Error).message}.`);
  }
  throw new ConfigError(`${path} must hold one JSON object, for example {"experiment": "digits-tune"}.`);
}

function readServers(value: unknown, path: string): Record<string, KnownServer> {
  const parsed = z.record(z.string(), KnownServerSchema).safeParse(value ?? {});
  if (!parsed.success) throw new ConfigError(`${path}: "servers" must look like {"http://127.0.0.1:5000": {"api_key": "…", "store_id": "…"}}.`);
  return parsed.data;
}

/** `localhost` and `127.0.0.1` are the same machine, so they share an entry. */
function serverKey(url: string): string {
  return trimUrl(url).replace(/^(https?:\/\/)(localhost|\[::1\])(?=[:/]|$)/, '$1127.0.0.1');
}

function trimUrl(url: string): string {
  return url.replace(/\/+$/, '');
}

/** The address as the original worker command line reads it: a bare host gets `http://`, and a missing port is added. */
export function addressOf(text: string, port: string | undefined): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const hasPort = /^https?:\/\/[^/]*:\d+/.test(url);
  if (hasPort || (url.startsWith('https://') && port === undefined)) return url;
  return url.replace(/^(https?:\/\/[^/]+)/, `$1:${port ?? '5000'}`);
}

function digits() {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'it must be a whole number')
    .transform(Number);
}

function setting<Schema extends z.ZodType>(schema: Schema, env: readonly string[], fallback: z.output<Schema>, description: string): Setting<Schema> {
  return { schema, env, fallback, description };
}
