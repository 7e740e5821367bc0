// One line of a log on the screen.
import { memo } from 'react';

import { bytesText } from '../components/bytes.ts';
import { lineHtml } from './ansi.ts';
import { plainLine, type LogLine } from './log-lines.ts';

interface Props {
  readonly line: LogLine;
  /** 1 for the first line of the log; null when the beginning is not loaded. */
  readonly number: number | null;
  readonly time: string | null;
  /** What is searched for, in small letters; empty for nothing. */
  readonly search: string;
  readonly current: boolean;
  readonly marked: boolean;
  /** Makes the address one of this line. */
  readonly onLine: (line: LogLine) => void;
}

export const LogLineView = memo(function LogLineView({ line, number, time, search, current, marked, onLine }: Props) {
  if (line.dropped > 0) {
    return <div className="dr-log-hole">{bytesText(line.dropped)} of output were dropped here: the log is longer than what is kept</div>;
  }
  return (
    <div className="dr-log-line" data-stream={marked ? line.stream : undefined} data-current={current ? true : undefined}>
      {/* Only for who sees the numbers: thousands of buttons would be in the way of everybody else. */}
      <button type="button" className="dr-log-number" tabIndex={-1} aria-hidden title="Link to this line" onClick={() => onLine(line)}>
        {number ?? '#'}
      </button>
      {time === null ? null : <span className="dr-log-time">{time}</span>}
      <LineText line={line} search={search} />
    </div>
  );
});

function LineText({ line, search }: { readonly line: LogLine; readonly search: string }) {
  if (search !== '') {
    const text = plainLine(line);
    if (text.toLowerCase().includes(search)) return <span className="dr-log-text">{highlighted(text, search)}</span>;
  }
  if (line.colours === '' && !line.text.includes('\u001b')) return <span className="dr-log-text">{line.text === '' ? '\u200b' : line.text}</span>;
  return <span className="dr-log-text" dangerouslySetInnerHTML={{ __html: lineHtml(line) }} />;
}

function highlighted(text: string, search: string) {
  const lower = text.toLowerCase();
  const parts: React.ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(search); at !== -1; at = lower.indexOf(search, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + search.length)}</mark>);
    from = at + search.length;
  }
  parts.push(text.slice(from));
  return parts;
}
