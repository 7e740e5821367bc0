import { expect, test } from 'vitest';

import { lineHtml } from './ansi.ts';
import { splitRun } from './log-lines.ts';

const html = (text: string): string => lineHtml(splitRun('stdout', { from: 0, bytes: new TextEncoder().encode(`${text}\n`) }, '').lines[0]!);

test('text of a job never becomes markup', () => {
  expect(html('<img src=x onerror=alert(1)> & "q"')).not.toMatch(/<img|<a /);
  expect(html('\u001b[31m<script>alert(1)</script>\u001b[0m')).toBe('<span class="ansi-red-fg">&lt;script&gt;alert(1)&lt;/script&gt;</span>');
});

test('a link of a terminal is text, whatever it leads to', () => {
  expect(html('see \u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007!')).toBe('see click!');
  expect(html('\u001b]8;id=1;https://example.org\u001b\\click\u001b]8;;\u001b\\')).toBe('click');
  expect(html('\u001b]0;a title\u0007text')).toBe('text');
});
