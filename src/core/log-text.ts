// What a line of a log looks like on a terminal: progress that was drawn over itself, and codes that steer the terminal, are not part of its text.

/** What a terminal would show of `10%\r20%\r30%`: the last that was written over the line. */
export function lastDrawn(line: string): string {
  if (!line.includes('\r')) return line;
  const parts = line.split('\r');
  for (let index = parts.length - 1; index >= 0; index -= 1) if (parts[index] !== '') return parts[index]!;
  return '';
}

// Everything that steers a terminal: CSI and OSC sequences and lone escapes.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const STEERING = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

export function withoutSteering(line: string): string {
  return line.includes('\u001b') ? line.replace(STEERING, '') : line;
}
