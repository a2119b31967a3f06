import { element } from '../dom.ts';
import { type Color, type Ramp, ramp } from './model/bands.ts';
import { parseColor } from './model/colors.ts';
import { GROUPS, type Group, STATES } from './model/moment-facts.ts';

/** The colors of a picture, as the page's style has them now. */
export interface Palette {
  readonly ground: string;
  readonly groundPixel: number;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly focus: string;
  readonly groups: Readonly<Record<Group, string>>;
  readonly ramps: readonly Ramp[];
  /** The same, for what a search has not found. */
  readonly faint: readonly Ramp[];
  /** Pixels of {@link STATES}. */
  readonly states: readonly number[];
}

/** Reads the colors from custom properties, which a canvas cannot use by their names. */
export function readPalette(container: HTMLElement): Palette {
  const probe = element('span', { hidden: true });
  container.append(probe);
  const color = (name: string): Color => {
    probe.style.color = `var(${name})`;
    return parseColor(getComputedStyle(probe).color);
  };
  const ground = color('--hv-panel');
  const groups = GROUPS.map((group) => color(`--hv-moment-${group}`));
  const palette: Palette = {
    ground: css(ground),
    groundPixel: pixel(ground),
    text: css(color('--hv-text')),
    muted: css(color('--hv-muted')),
    line: css(color('--hv-line')),
    focus: css(color('--hv-focus')),
    groups: Object.fromEntries(GROUPS.map((group, index) => [group, css(groups[index] as Color)])) as Record<
      Group,
      string
    >,
    ramps: groups.map((each) => ramp(each, ground)),
    faint: groups.map((each) => ramp(mix(each, ground, 0.35), ground)),
    states: STATES.map((state) => pixel(color(`--hv-state-${state.toLowerCase()}`))),
  };
  probe.remove();
  return palette;
}

function mix(color: Color, ground: Color, part: number): Color {
  const channel = (index: 0 | 1 | 2) => Math.round(ground[index] + (color[index] - ground[index]) * part);
  return [channel(0), channel(1), channel(2)];
}

function css([red, green, blue]: Color): string {
  return `rgb(${red} ${green} ${blue})`;
}

function pixel([red, green, blue]: Color): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
