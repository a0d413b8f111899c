/** Streams of many stores that run into one. */
export function Streams() {
  const lines = [40, 95, 150, 205, 260, 315];
  return (
    <svg viewBox="0 0 600 360" fill="none" aria-hidden="true" focusable="false" style={{ width: '100%', display: 'block' }}>
      {lines.map((y, index) => (
        <g key={y}>
          <path
            d={`M0 ${y} C 180 ${y} 230 178 420 ${174 + index * 2.4} S 560 ${176 + index} 600 ${176 + index}`}
            stroke={index % 3 === 1 ? '#5cc9b4' : '#ffffff'}
            strokeOpacity={0.16 + index * 0.05}
            strokeWidth="2"
          />
          <circle cx={60 + index * 34} cy={y + (178 - y) * [0.02, 0.05, 0.05, 0.03, 0.12, 0.24][index]!} r="4" fill="#f0b45b" fillOpacity={0.85} />
        </g>
      ))}
    </svg>
  );
}
