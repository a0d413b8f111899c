const meeting = { x: 600, y: 176 };

interface Stream {
  from: number;
  /** Where a record travels on it, 0 to 1. */
  record: number;
}

const streams: Stream[] = [
  { from: 40, record: 0.34 },
  { from: 95, record: 0.62 },
  { from: 150, record: 0.2 },
  { from: 205, record: 0.48 },
  { from: 260, record: 0.75 },
  { from: 315, record: 0.3 },
];

/** A point of a cubic Bézier curve. */
function bezier(t: number, a: number, b: number, c: number, d: number): number {
  const u = 1 - t;
  return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}

/** Streams of many stores that run into one, each with a record on its way. */
export function Streams() {
  return (
    <svg viewBox="0 0 600 360" fill="none" aria-hidden="true" focusable="false" style={{ width: '100%', display: 'block' }}>
      {streams.map(({ from, record }, index) => {
        const end = meeting.y + (index - 2.5) * 2.4;
        return (
          <g key={from}>
            <path
              d={`M0 ${from} C 230 ${from} 260 ${end} ${meeting.x} ${end}`}
              stroke={index % 3 === 1 ? '#5cc9b4' : '#ffffff'}
              strokeOpacity={0.2 + index * 0.05}
              strokeWidth="2"
            />
            <circle
              cx={bezier(record, 0, 230, 260, meeting.x)}
              cy={bezier(record, from, from, end, end)}
              r="4.500"
              fill="#f0b45b"
            />
          </g>
        );
      })}
    </svg>
  );
}
