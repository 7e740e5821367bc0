// The mark of Drover.
export function Logo({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="#3650c4" />
      <g fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round">
        <path d="M8 9.5 14.5 16 8 22.5" />
        <path d="M17 9.5 23.5 16 17 22.5" opacity=".62" />
      </g>
    </svg>
  );
}
