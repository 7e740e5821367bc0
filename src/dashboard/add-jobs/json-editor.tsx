// A text area for JSON with line numbers and colours: the colours lie under the text area, whose own text is transparent.
import { useMemo, useRef, type KeyboardEvent, type Ref } from 'react';

import { tokens } from './json-text.ts';

interface Props {
  readonly ref?: Ref<HTMLTextAreaElement>;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label: string;
  /** Line to mark as wrong. */
  readonly wrongLine: number | null;
}

/** Beyond this, colours would cost more than they tell. */
const MAX_COLOURED = 60_000;

export function JsonEditor({ ref, value, onChange, label, wrongLine }: Props) {
  const under = useRef<HTMLDivElement>(null);
  const lines = value.split('\n').length;
  const coloured = useMemo(() => (value.length > MAX_COLOURED ? null : tokens(value)), [value]);
  return (
    <div className="dr-editor">
      <div className="dr-editor-under" ref={under} aria-hidden>
        <div className="dr-editor-lines">
          {Array.from({ length: lines }, (_, index) => (
            <div key={index} data-wrong={wrongLine === index + 1 ? true : undefined}>
              {index + 1}
            </div>
          ))}
        </div>
        <pre className="dr-editor-text">
          {coloured === null
            ? value
            : coloured.map((token) => (
                <span key={token.at} data-token={token.kind}>
                  {token.text}
                </span>
              ))}
          {'\n'}
        </pre>
      </div>
      <textarea
        ref={ref}
        className="dr-editor-area"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        onKeyDown={indentOnEnter}
        onScroll={(event) => {
          under.current?.scrollTo(event.currentTarget.scrollLeft, event.currentTarget.scrollTop);
        }}
        aria-label={label}
        aria-invalid={wrongLine !== null}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        wrap="off"
      />
    </div>
  );
}

/** Enter keeps the indentation of the line. Tab stays free to leave the field. */
function indentOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || event.shiftKey || event.ctrlKey || event.metaKey) return;
  const area = event.currentTarget;
  const before = area.value.slice(0, area.selectionStart);
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const indent = /^\s*/.exec(line)![0] + (/[{[]\s*$/.test(line) ? '  ' : '');
  if (indent === '') return;
  event.preventDefault();
  // execCommand keeps the undo history of the field, which setting the value would lose.
  document.execCommand('insertText', false, `\n${indent}`);
}
