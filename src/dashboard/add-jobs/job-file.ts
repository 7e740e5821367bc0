// Jobs from a file: a table with a header (CSV, TSV), a list or a matrix (JSON), or an object on each line (JSON lines). Read in pieces, so that the
// page goes on answering, and judged by the same rules as what is typed.
import { csvRows, type CsvCell, type Separator } from '../../core/csv-rows.ts';
import { LIMITS } from '../../core/limits.ts';
import { paramNameProblem, parseParamText, paramsProblem, type Params, type ParamValue } from '../../core/params.ts';
import { bytesText, countText } from '../components/bytes.ts';
import { planOfText, SAMPLE_SIZE, type Plan } from './draft.ts';
import { readJson, type TextPlace } from './json-text.ts';

export const FILE_TYPES = '.csv,.tsv,.txt,.json,.jsonl,.ndjson';

export interface FileProblem {
  readonly place: TextPlace | null;
  readonly sentence: string;
}

export interface JobFile {
  readonly name: string;
  readonly bytes: number;
  readonly format: 'CSV' | 'TSV' | 'JSON' | 'JSON lines' | 'unknown';
  readonly plan: Plan;
  /** The first ones, in order. */
  readonly problems: readonly FileProblem[];
}

interface Source {
  readonly name: string;
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

const SHOWN_PROBLEMS = 10;

export async function readJobFile(file: Source, pause: () => Promise<void>): Promise<JobFile> {
  const about = { name: file.name, bytes: file.size };
  const limit = LIMITS.job_file_bytes.value;
  if (file.size > limit) {
    const sentence = `A file of jobs holds at most ${bytesText(limit)}; this one has ${bytesText(file.size)}. Split it, or give a matrix.`;
    return { ...about, format: 'unknown', ...refused([{ place: null, sentence }]) };
  }
  const text = decode(await file.arrayBuffer());
  if (text === null) return { ...about, format: 'unknown', ...refused([{ place: null, sentence: 'This is no text in UTF-8 or UTF-16.' }]) };
  const format = formatOf(file.name, text);
  if (format === 'JSON') {
    const plan = sized(planOfText(text));
    return { ...about, format, plan, problems: plan.kind === 'problem' ? [plan] : [] };
  }
  const rows = format === 'JSON lines' ? jsonLines(text) : tableRows(text, separatorOf(format, text));
  return { ...about, format, ...(await collect(rows, pause)) };
}

/** The byte order mark tells UTF-16 apart, and is no part of the text. */
function decode(buffer: ArrayBuffer): string | null {
  const [first, second] = new Uint8Array(buffer);
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(buffer);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function formatOf(name: string, text: string): JobFile['format'] {
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (ending === 'jsonl' || ending === 'ndjson') return 'JSON lines';
  if (ending === 'json') return 'JSON';
  if (ending === 'tsv') return 'TSV';
  if (ending === 'csv') return 'CSV';
  const start = text.trimStart().slice(0, 1);
  if (start === '[' || start === '{') return 'JSON';
  return firstLine(text).includes('\t') ? 'TSV' : 'CSV';
}

function firstLine(text: string): string {
  return text.slice(0, text.search(/[\r\n]|$/));
}

/** Some spreadsheets write semicolons: where the comma stands in numbers. */
function separatorOf(format: JobFile['format'], text: string): Separator {
  if (format === 'TSV') return '\t';
  const header = firstLine(text);
  return header.includes(';') && !header.includes(',') ? ';' : ',';
}

type Read = { readonly params: Params; readonly place: TextPlace } | { readonly problem: FileProblem };

function* jsonLines(text: string): Generator<Read, void> {
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue;
    const read = readJson(line);
    if ('problem' in read) yield { problem: { place: { ...read.place, line: index + 1 }, sentence: read.problem } };
    else yield { params: read.value as Params, place: { line: index + 1, column: 1 } };
  }
}

function* tableRows(text: string, separator: Separator): Generator<Read, void> {
  let header: readonly CsvCell[] | null = null;
  for (const row of csvRows(text, separator)) {
    if ('fault' in row) {
      yield faulty(row.fault, row.fault.sentence);
    } else if (header === null) {
      header = row.cells;
      const wrong = headerProblems(header);
      yield* wrong;
      // Rows of columns that are not known would all be wrong.
      if (wrong.length > 0) return;
    } else yield tableRow(header, row.cells);
  }
}

function headerProblems(header: readonly CsvCell[]): Read[] {
  const seen = new Set<string>();
  return header.flatMap((cell) => {
    const name = cell.text;
    const problem = name === '' ? 'This column has no name; the first row names the params.' : paramNameProblem(name);
    if (problem !== null) return [faulty(cell, name === '' ? problem : `${JSON.stringify(name.slice(0, 60))}: ${problem}`)];
    if (seen.has(name)) return [faulty(cell, `${name} names two columns.`)];
    seen.add(name);
    return [];
  });
}

/** A cell is read like a value in the form; an empty one leaves the param out. */
function tableRow(header: readonly CsvCell[], cells: readonly CsvCell[]): Read {
  const surplus = cells[header.length];
  if (surplus !== undefined) return faulty(surplus, `This row has ${cells.length} cells, and the header names ${header.length}.`);
  const params: [string, ParamValue][] = [];
  for (const [index, cell] of cells.entries()) {
    if (cell.text === '') continue;
    const read = parseParamText(cell.text);
    if ('problem' in read) return faulty(cell, `${header[index]!.text}: ${read.problem}`);
    params.push([header[index]!.text, read.value]);
  }
  return { params: Object.fromEntries(params), place: cells[0]! };
}

function faulty({ line, column }: TextPlace, sentence: string): Read {
  return { problem: { place: { line, column }, sentence } };
}

const ROWS_AT_ONCE = 2_000;

async function collect(rows: Generator<Read, void>, pause: () => Promise<void>): Promise<Pick<JobFile, 'plan' | 'problems'>> {
  const jobs: Params[] = [];
  const problems: FileProblem[] = [];
  let count = 0;
  for (const row of rows) {
    count += 1;
    if (count % ROWS_AT_ONCE === 0) await pause();
    if ('problem' in row) problems.push(row.problem);
    else {
      const wrong = paramsProblem(row.params);
      if (wrong === null) jobs.push(row.params);
      else problems.push({ place: { line: row.place.line, column: row.place.column }, sentence: wrong });
    }
    if (problems.length === SHOWN_PROBLEMS) break;
    if (jobs.length > LIMITS.create_jobs.value) {
      problems.push({
        place: null,
        sentence: `At most ${countText(LIMITS.create_jobs.value)} jobs are created at once, and this file has more. Split it, or give a matrix.`,
      });
      break;
    }
  }
  if (problems.length > 0) return refused(problems);
  if (jobs.length === 0) return refused([{ place: null, sentence: 'There is no job in this file.' }]);
  const plan = sized({ kind: 'list', jobs, size: jobs.length, sample: jobs.slice(0, SAMPLE_SIZE) });
  return { plan, problems: plan.kind === 'problem' ? [plan] : [] };
}

function refused(problems: readonly FileProblem[]): Pick<JobFile, 'plan' | 'problems'> {
  const first = problems[0]!;
  return { plan: { kind: 'problem', sentence: first.sentence, place: first.place, row: null }, problems };
}

/** For what stands around the jobs in the request. */
const ROOM = 256 * 1024;

/** One request carries them all, so that all are created or none. */
function sized(plan: Plan): Plan {
  if (plan.kind !== 'list') return plan;
  const bytes = new TextEncoder().encode(JSON.stringify(plan.jobs.map((params) => ({ params })))).length;
  const most = LIMITS.body_bytes.value - ROOM;
  if (bytes <= most) return plan;
  const sentence = `As JSON these jobs take ${bytesText(bytes)}, and one request carries ${bytesText(most)}. Split the file, or give a matrix.`;
  return { kind: 'problem', sentence, place: null, row: null };
}
