/** An x of two streams with a dot above it: Newton's fluxion, the rate at which a quantity changes. */
export function Mark({ size = 30 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false">
      <g strokeWidth="3.200" strokeLinecap="round">
        <path d="M5 27c7 0 9-3.500 11-7s4-7 11-7" stroke="currentColor" />
        <path d="M5 13c7 0 9 3.500 11 7s4 7 11 7" stroke="#5cc9b4" />
      </g>
      <circle cx="16" cy="6.500" r="3" fill="var(--fx-accent)" />
    </svg>
  );
}

export function Wordmark({ size = 30 }: { size?: number }) {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: size / 3, lineHeight: 1 }}>
      <Mark size={size} />
      <span style={{ fontSize: size * 0.66, letterSpacing: '-0.015em', whiteSpace: 'nowrap' }}>
        <b style={{ fontWeight: 650 }}>Fluxion</b>
        <span style={{ fontWeight: 350, opacity: 0.8 }}> Sync</span>
      </span>
    </span>
  );
}
