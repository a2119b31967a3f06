/** Targets that a jump site keeps; a jump with more is better left to a look-up. */
const MOST_TARGETS = 48;
/** Sites that are kept. */
const MOST_SITES = 4096;
/** Targets of all sites that are kept; for more, all is forgotten. */
const MOST_KEPT = 32_768;
/** Samples of a site after which its counts are halved, so that old ones lose weight. */
const LONG = 1024;

interface Site {
  /** Samples by distance of the target from the jump, in bytes. */
  readonly targets: Map<number, number>;
  samples: number;
}

/**
 * Where jumps to addresses in registers have gone to, as far as samples tell. A site is known by the slot of its
 * instruction, so that it is the same in all address spaces; targets are distances from it.
 */
export class JumpProfile {
  readonly #sites = new Map<number, Site>();
  /** Targets of all of them. */
  #kept = 0;

  /** How many targets of jumps are remembered. */
  get kept(): number {
    return this.#kept;
  }

  /** Notes a jump. @returns how many samples of the site there are now */
  note(slot: number, distance: number): number {
    if (this.#sites.size >= MOST_SITES || this.#kept >= MOST_KEPT) this.#forget();
    const site = this.#siteOf(slot);
    const before = site.targets.size;
    site.targets.set(distance, (site.targets.get(distance) ?? 0) + 1);
    site.samples++;
    if (site.samples % LONG === 0) fade(site.targets);
    this.#kept += site.targets.size - before;
    return site.samples;
  }

  /** Distances of the targets that are worth a comparison, the most frequent first. */
  targets(slot: number): readonly number[] {
    const site = this.#sites.get(slot);
    if (site === undefined) return [];
    return [...site.targets]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_TARGETS)
      .map(([distance]) => distance);
  }

  #forget(): void {
    this.#sites.clear();
    this.#kept = 0;
  }

  #siteOf(slot: number): Site {
    const known = this.#sites.get(slot);
    if (known !== undefined) return known;
    const site: Site = { targets: new Map(), samples: 0 };
    this.#sites.set(slot, site);
    return site;
  }
}

function fade(targets: Map<number, number>): void {
  for (const [distance, count] of targets) {
    if (count < 2) targets.delete(distance);
    else targets.set(distance, count >> 1);
  }
}
