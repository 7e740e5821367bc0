// The look: one accent, cool greys that keep AA contrast in both schemes, small type. Status colours are in styles/base.css.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const brand: MantineColorsTuple = ['#eef2ff', '#dfe6fe', '#c3d0fc', '#a3b7f9', '#8aa2f5', '#6883ee', '#4361dd', '#3650c4', '#2d43a3', '#253680'];

const gray: MantineColorsTuple = ['#f7f8fa', '#eff1f4', '#e3e6eb', '#d5d9e0', '#c2c8d1', '#98a1ae', '#5c6572', '#454d59', '#2f353f', '#1b1f26'];

const dark: MantineColorsTuple = ['#d3d8e0', '#b6bdc9', '#99a2b0', '#6a7381', '#3a424f', '#2c333e', '#21262f', '#181c23', '#12151b', '#0d0f14'];

const red: MantineColorsTuple = ['#fff1f0', '#ffe0de', '#ffc2be', '#ff9a94', '#fb746c', '#ee524a', '#d63b33', '#b92f28', '#972822', '#75221d'];

/** The tinted look of buttons and notices: a translucent tint that keeps its text readable on cards of either scheme. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-brand-light': 'rgba(67, 97, 221, 0.1)',
    '--mantine-color-brand-light-hover': 'rgba(67, 97, 221, 0.16)',
    '--mantine-color-brand-light-color': '#3650c4',
    '--mantine-color-yellow-light': 'rgba(240, 176, 60, 0.14)',
    '--mantine-color-yellow-light-color': '#7a4e00',
    '--mantine-color-red-light': 'rgba(214, 59, 51, 0.08)',
    '--mantine-color-red-light-color': '#a92b25',
    '--mantine-color-placeholder': '#767f8c',
    '--mantine-color-error': '#b92f28',
  },
  dark: {
    '--mantine-color-gray-light': 'rgba(152, 161, 174, 0.12)',
    '--mantine-color-gray-light-hover': 'rgba(152, 161, 174, 0.18)',
    '--mantine-color-brand-light': 'rgba(104, 131, 238, 0.18)',
    '--mantine-color-brand-light-hover': 'rgba(104, 131, 238, 0.26)',
    '--mantine-color-brand-light-color': '#b4c4ff',
    '--mantine-color-yellow-light': 'rgba(234, 182, 90, 0.12)',
    '--mantine-color-yellow-light-color': '#eab65a',
    '--mantine-color-red-light': 'rgba(255, 116, 108, 0.12)',
    '--mantine-color-red-light-color': '#ff938b',
    '--mantine-color-placeholder': '#7f8896',
    '--mantine-color-error': '#ff938b',
    '--mantine-color-anchor': '#9db1fa',
    '--mantine-color-disabled': '#2c333e',
  },
});

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 6 },
  colors: { brand, gray, dark, red },
  black: '#1b1f26',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: "Inter, -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.5' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.35' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  radius: { xs: '3px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  components: {
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } },
    TextInput: { defaultProps: { size: 'sm' } },
    NumberInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, multiline: true, maw: 420, fz: 'xs', events: { hover: true, focus: true, touch: true } } },
    Modal: {
      defaultProps: {
        centered: false,
        yOffset: '8vh',
        closeButtonProps: { 'aria-label': 'Close' },
        overlayProps: { backgroundOpacity: 0.4, blur: 1 },
        styles: { title: { fontWeight: 600, fontSize: '1rem' } },
      },
    },
    Anchor: { defaultProps: { underline: 'hover' } },
  },
});
