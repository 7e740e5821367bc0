// What the benchmark prints, line by line, as it measures.

export function printHeader({ machine, load_before: load, quick, rounds }) {
  const { cpu, cores, memory_gib, system, file_system, node, sqlite, commit } = machine;
  write(`Drover ${commit} on ${cpu}, ${cores} cores, ${memory_gib} GiB, ${system}, ${file_system}; Node ${node}, SQLite ${sqlite}`);
  write(`Median of ${rounds} rounds (lowest to highest). Load average now: ${load.join(' ')}`);
  if (quick) write('QUICK: sizes are too small for conclusions.');
  if (file_system === 'tmpfs') write('THE TEMPORARY DIRECTORY IS IN MEMORY: nothing is durable there. Choose another one with --directory.');
}

export function printPart({ title, load }) {
  write(`\n${title}  (load ${load[0]})`);
}

export function printLine(line) {
  const { title, unit, value, low, high, rounds, against, rival = null, aim, note, p95, durable = true } = line;
  if (p95 !== undefined) return write(`      ${title.padEnd(40)} p50 ${number(value).padStart(6)}   p95 ${number(p95).padStart(6)} ${unit}`);
  const spread = rounds.length > 1 ? `  (${number(low)} to ${number(high)})` : '';
  write(`  ${title.padEnd(66)} ${`${number(value)} ${unit}`.padStart(24)}${spread}${durable ? '' : '  not durable'}`);
  if (against !== null) write(`${' '.repeat(6)}${ratio(against.ratio)} × ${against.title}`);
  if (rival !== null) write(`${' '.repeat(6)}${ratio(rival.ratio)} × ${rival.title}`);
  if (aim !== null) write(`${' '.repeat(6)}aim ${aimText(aim, unit)}: ${aim.reached ? 'reached' : 'NOT REACHED'}`);
  if (note !== null) write(`${' '.repeat(6)}${note}`);
}

/** Loud, because a race without somebody says less than it seems to. */
export function printLeftOut({ title, reason }) {
  write(`  !!! LEFT OUT: ${title}: ${reason}`);
}

export function printEnd({ minutes, load_after }) {
  write(`\nTook ${number(minutes)} minutes. Load average now: ${load_after.join(' ')}`);
}

export function number(value) {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function ratio(value) {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}

export function aimText(aim, unit) {
  return aim.least === undefined ? `below ${number(aim.below)} ${unit}` : `at least ${number(aim.least)} ${unit}`;
}

function write(text) {
  process.stdout.write(`${text}\n`);
}
