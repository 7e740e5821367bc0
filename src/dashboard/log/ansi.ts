// Colours of a terminal as HTML. The library escapes the text; it makes no links, and colours are classes, so both themes can have their own.
import { AnsiUp } from 'ansi_up';

import type { LogLine } from './log-lines.ts';

// Titles and links of a terminal; the text that a link stands on is outside of them and stays.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const COMMANDS_WITH_TEXT = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;

export function lineHtml(line: LogLine): string {
  // One converter per line: an unfinished sequence at the end of a line must not leak into whichever is drawn next.
  const converter = new AnsiUp();
  converter.escape_html = true;
  converter.use_classes = true;
  converter.url_allowlist = {};
  return converter.ansi_to_html(line.colours + line.text.replace(COMMANDS_WITH_TEXT, ''));
}
