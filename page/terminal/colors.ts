import type { ITheme } from '@xterm/xterm';

/** The sixteen colors, in the order in which terminals number them, for each ground. */
const PALETTES = {
  dark: '#1d242c #ff7a70 #7ed491 #e8bf62 #7db3ff #d7a0f0 #63d2c6 #d5dbe1 #74818e #ff9f97 #a2e5b0 #f6d68c #a9ccff #e7c2f8 #95e4db #ffffff',
  light:
    '#1a2027 #b0231b #1b7337 #7a4d00 #0b57d0 #8a2bb5 #0a6470 #55606b #6a7682 #c7362d #247f42 #8a5a00 #2a6be0 #9c40c6 #13737f #2f3942',
} as const;

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/** The colors of a terminal in an element, by the theme that holds there. */
export function terminalColors(host: Element): ITheme {
  const style = getComputedStyle(host);
  const isDark = style.colorScheme === 'dark' || (style.colorScheme !== 'light' && prefersDark());
  const words = PALETTES[isDark ? 'dark' : 'light'].split(' ');
  const colors: Record<string, string> = {};
  for (const [index, name] of NAMES.entries()) {
    colors[name] = words[index];
    colors[`bright${name[0].toUpperCase()}${name.slice(1)}`] = words[index + NAMES.length];
  }
  const background = isDark ? '#0f1317' : '#ffffff';
  const foreground = isDark ? '#e4e8ec' : '#1a2027';
  return {
    ...colors,
    ...{ background, foreground, cursor: isDark ? '#5fcbb2' : '#0a6b5a', cursorAccent: background },
    selectionBackground: isDark ? '#3a5a75' : '#b9d6f2',
    selectionInactiveBackground: isDark ? '#2c3f50' : '#dbe7f2',
    scrollbarSliderBackground: isDark ? '#ffffff30' : '#00000030',
    scrollbarSliderHoverBackground: isDark ? '#ffffff50' : '#00000050',
  };
}

function prefersDark(): boolean {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
