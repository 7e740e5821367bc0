// The server's wall clock as seen from here. Ages are told by it, so a browser with a wrong clock shows no odd times.

/** A `Date` header has whole seconds and travels; below this it says nothing about the clocks. */
const TOLERANCE_MS = 2_500;

let skew = 0;

export function noteServerDate(header: string | null): void {
  const at = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(at)) return;
  const difference = at - Date.now();
  skew = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
}

export function serverNow(): number {
  return Date.now() + skew;
}
