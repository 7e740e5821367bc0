// Sizes for eyes.

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** `96 B`, `1.5 kB`, `100 MB`: decimal, at most four digits. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes / 1000;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit += 1) value /= 1000;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
