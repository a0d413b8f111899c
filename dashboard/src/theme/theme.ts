import { type CSSVariablesResolver, type MantineColorsTuple, createTheme } from '@mantine/core';

const petrol: MantineColorsTuple = [
  '#e8f3f5',
  '#cfe5ea',
  '#a0cad4',
  '#6eaebc',
  '#4595a7',
  '#2a8296',
  '#14697c',
  '#0f5565',
  '#0b4250',
  '#07303b',
];

/** Warm greys: paper rather than steel. */
const gray: MantineColorsTuple = [
  '#faf9f6',
  '#f3f1ec',
  '#e8e5de',
  '#d9d5cc',
  '#c2bdb2',
  '#928d82',
  '#66625a',
  '#504d46',
  '#3a3833',
  '#232220',
];

const dark: MantineColorsTuple = [
  '#dbe3e5',
  '#bac6c9',
  '#9fadb1',
  '#73838a',
  '#2f3d42',
  '#243136',
  '#172124',
  '#0f1719',
  '#0b1113',
  '#070b0c',
];

const font = "'IBM Plex Sans Variable', 'Segoe UI Variable', 'Segoe UI', system-ui, sans-serif";

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, gray, dark },
  fontFamily: font,
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', 'SFMono-Regular', 'DejaVu Sans Mono', Consolas, monospace",
  headings: {
    fontFamily: font,
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.25' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.35' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'sm',
  radius: { xs: '4px', sm: '6px', md: '10px', lg: '14px', xl: '20px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', checkIconPosition: 'right' } },
    Modal: {
      defaultProps: { centered: true, radius: 'md', overlayProps: { backgroundOpacity: 0.45, blur: 2 } },
      styles: { content: { background: 'var(--fx-surface)' }, header: { background: 'var(--fx-surface)' } },
    },
    Tooltip: { defaultProps: { openDelay: 250, multiline: true, maw: 320 } },
    Table: { defaultProps: { verticalSpacing: 8, horizontalSpacing: 12 } },
  },
});

/** Points Mantine's own variables at the tokens, so that both speak of one palette. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': 'var(--fx-ground)',
    '--mantine-color-default-border': 'var(--fx-line)',
    '--mantine-color-dimmed': '#66625a',
    '--mantine-color-text': '#232220',
    '--mantine-color-anchor': '#0f5565',
    '--mantine-color-placeholder': '#7b766c',
  },
  dark: {
    '--mantine-color-body': 'var(--fx-ground)',
    '--mantine-color-default-border': 'var(--fx-line)',
    '--mantine-color-dimmed': '#9fadb1',
    '--mantine-color-anchor': '#8cc6d2',
    '--mantine-color-placeholder': '#8a999e',
    '--mantine-color-petrol-light': 'rgba(110, 174, 188, 0.16)',
    '--mantine-color-petrol-light-hover': 'rgba(110, 174, 188, 0.24)',
    '--mantine-color-petrol-light-color': '#b5dbe3',
  },
});
