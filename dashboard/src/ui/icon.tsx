import type { CSSProperties } from 'react';

/** Line icons on a 24-unit grid. Decorative by default: what they say also stands beside them in words. */
const shapes = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 4v3h6V4zM4 17v3h6v-3z',
  store: 'M4 10v10h16V10M3 10l2-6h14l2 6M3 10a3 3 0 0 0 6 0a3 3 0 0 0 6 0a3 3 0 0 0 6 0M10 20v-5h4v5',
  jobs: 'M4 6h10M4 12h7M4 18h10M17 9v6l4-3z',
  inventory: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12L4 7.500',
  conflict: 'M4 8h13M13.500 4.500L17 8l-3.500 3.500M20 16H7M10.500 12.500L7 16l3.500 3.500',
  reject: 'M6 3h8l5 5v13H6zM14 3v5h5M10 13l5 5M15 13l-5 5',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  checkCircle: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM8 12.300l2.800 2.800L16 9.500',
  sync: 'M20 11a8 8 0 0 0-14.300-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14.300 4L20 15M20 20v-5h-5',
  warning: 'M12 4L2.800 20h18.400zM12 10v4.500M12 17.300v.2',
  error: 'M8.200 3h7.600L21 8.200v7.600L15.800 21H8.200L3 15.800V8.200zM12 8v5M12 16v.2',
  clock: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM12 7v5l3.500 2',
  silent: 'M3 3l18 18M8.500 16.400a5 5 0 0 1 6.300-.5M5 12.900a10 10 0 0 1 5-2.700M12 20h.01M14.500 10.300A10 10 0 0 1 19 12.900M2 9a15 15 0 0 1 4-2.600M10 5.100A15 15 0 0 1 22 9',
  plug: 'M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4',
  idle: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM8 12h8',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM20 20l-4-4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  close: 'M6 6l12 12M18 6L6 18',
  chevronRight: 'M9 5l7 7l-7 7',
  chevronDown: 'M5 9l7 7l7-7',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
  moon: 'M20 14.500A8.500 8.500 0 1 1 9.500 4a6.500 6.500 0 0 0 10.500 10.500z',
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  logout: 'M10 4H5v16h5M15 8l4 4l-4 4M19 12H9',
  globe: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3.500 6 3.500 9s-.5 6-3.500 9c-3-3-3.500-6-3.500-9S9 6 12 3',
  replay: 'M4 4v6h6M4.500 10a8 8 0 1 1-.2 5',
  trash: 'M4 7h16M10 7V4h4v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  shield: 'M12 3l8 3v6c0 4.500-3.400 7.700-8 9c-4.600-1.300-8-4.500-8-9V6z',
  terminal: 'M4 5h16v14H4zM8 10l3 2.500L8 15M13 15h4',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  queue: 'M4 6h16M4 12h16M4 18h9',
  chart: 'M4 4v16h16M8 15l4-5l3 3l5-7',
  barcode: 'M4 5v14M8 5v14M11 5v10M14 5v10M17 5v14M20 5v14',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({
  name,
  size = 18,
  style,
  className,
  label,
}: {
  name: IconName;
  size?: number;
  style?: CSSProperties;
  className?: string;
  /** Only where no words stand beside it. */
  label?: string;
}) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: 'none', ...style }}
      className={className}
      role={label ? 'img' : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
      focusable="false"
    >
      <path d={shapes[name]} />
    </svg>
  );
}
