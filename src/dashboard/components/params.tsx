// Params for the eye: chips in a table (what varies first), name and value in a list.
import { plainText, type Params, type ParamValue } from '../../core/params.ts';
import { CopyIcon } from './copy.tsx';
import { isLong } from './fact.tsx';
import { hint } from './hint.tsx';

const SHOWN_CHIPS = 5;

/** Names whose value differs among these jobs: the ones worth reading in a table. */
export function varyingNames(all: readonly Params[]): ReadonlySet<string> {
  const first = new Map<string, string>();
  const varying = new Set<string>();
  all.forEach((params, index) => {
    for (const [name, value] of Object.entries(params)) {
      const text = plainText(value);
      const known = first.get(name);
      if (known === undefined && index === 0) first.set(name, text);
      else if (known !== text) varying.add(name);
    }
    for (const name of first.keys()) if (!Object.hasOwn(params, name)) varying.add(name);
  });
  return varying;
}

interface ChipsProps {
  readonly params: Params;
  readonly varying?: ReadonlySet<string>;
  /** Shown elsewhere. */
  readonly apart?: ReadonlySet<string>;
}

export function ParamChips({ params, varying, apart }: ChipsProps) {
  const all = Object.entries(params);
  if (all.length === 0) return <span style={{ color: 'var(--mantine-color-dimmed)' }}>no params</span>;
  const entries = apart === undefined ? all : all.filter(([name]) => !apart.has(name));
  const differ = varying === undefined || varying.size === 0 ? entries : entries.filter(([name]) => varying.has(name));
  // Few are shown all, in their order; of many only those by which the rows can be told apart.
  const shown = entries.length <= SHOWN_CHIPS ? entries : differ.slice(0, SHOWN_CHIPS);
  const rest = entries.filter((entry) => !shown.includes(entry));
  return (
    <span className="dr-chips">
      {shown.map(([name, value]) => (
        <span key={name} className="dr-chip" title={`${name} = ${plainText(value)}`}>
          <span className="dr-chip-name">{name}</span>
          <span>{shortText(value)}</span>
        </span>
      ))}
      {rest.length === 0 ? null : (
        <span className="dr-chip" data-same {...hint(rest.map(([name, value]) => `${name} = ${shortText(value)}`).join('\n'))}>
          +{rest.length}
        </span>
      )}
    </span>
  );
}

const SHORT = 120;

export function shortText(value: ParamValue): string {
  const text = plainText(value);
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
}

export function ParamList({ params }: { readonly params: Params }) {
  const entries = Object.entries(params);
  if (entries.length === 0) return <span style={{ color: 'var(--mantine-color-dimmed)' }}>This job has no params.</span>;
  return (
    <dl className="dr-facts">
      {entries.map(([name, value]) => (
        <div key={name} className="dr-fact" data-long={isLong(plainText(value)) ? true : undefined}>
          <dt className="dr-mono">{name}</dt>
          <dd className="dr-mono" data-kind={value === null ? 'null' : typeof value}>
            <span className="dr-fact-value">{plainText(value)}</span>
            <CopyIcon text={plainText(value)} what={name} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
