/**
 * The fate of each interrupt that was set: the numbers behind the pictures.
 *
 * Edges (the software interrupt of a vCPU) are the ones that a protocol can lose. For each `set` there is a time before
 * it and one behind it, for each flush one behind it, and one before it: the end of the stay in the guest before. So an
 * interrupt counts as lost only if a flush that certainly came later found it neither pending nor delivered.
 */

/** Milliseconds by which the clocks of two threads may differ, and then some. */
const CLOCK_ERROR_MS = 0.05;
/** Milliseconds for which a vCPU may sleep with an interrupt announced to it, before that is lost. */
const SLEEPS_ON_MS = 1000;
/** Sets of one interrupt that are followed at once; more, without a flush between them, are counted as coalesced. */
const MOST_OPEN = 4096;
/** Interrupts that are claimed and have counters of their own; all beyond share one, for a guest can name millions. */
const MOST_SOURCES = 4096;
const OTHERS = 'others';

/** In place of a time: before all of them. */
const NONE = Number.NEGATIVE_INFINITY;

/** The fate of the interrupts of one number, of one vCPU. */
export interface InterruptCounts {
  /** Calls of `set`. */
  set: number;
  /** Sets that reached the guest together with another one, as one interrupt. */
  coalesced: number;
  /** Times that a flush made the bit rise in HVIP. */
  injected: number;
  /** Traps that the guest took for it. */
  taken: number;
  /** Those of them which the guest has made itself: it may write the bit. */
  own: number;
  /** Injected ones that the guest has cleared without a trap, as in a loop that polls. */
  cleared: number;
  /** Sets that the guest took back, or that came before the start of the vCPU. */
  withdrawn: number;
  /** Injected, though nobody had set it. */
  spurious: number;
  /** Set, and never injected. */
  lost: number;
}

/** Interrupts of one vCPU or hart. */
export interface CpuSummary {
  readonly software: InterruptCounts;
  readonly timers: number;
  readonly externals: number;
  /** Those of the external ones whose handler found nothing to claim: spurious ones in x86's words. */
  readonly spurious: number;
  /** The latest of its timers, in milliseconds behind their deadlines. */
  readonly latestTimer: number;
}

/** A set that no flush has taken yet. */
interface OpenSet {
  readonly flow: number;
  readonly began: number;
  readonly ring: number;
  /** When the call was over. */
  done: number;
  /** A flush may have taken it that found the bit set in HVIP already. */
  perhapsAbsorbed: boolean;
  /** Its arrow has come to its end, in the picture. */
  isOver: boolean;
}

/** One edge of one vCPU. */
class Edge {
  readonly counts = noCounts();
  open: OpenSet[] = [];
  /** Arrows of the sets in HVIP that the guest has not taken. */
  injected: number[] = [];
  /** Sets that count as taken by a flush, and may have come behind it. */
  perhapsNext: OpenSet[] = [];
  /** How many of them the flushes so far can do without, for each took at least one set. */
  spare = 0;
  /** Time of an injection that no set explains yet; {@link NONE} if there is none. */
  unexplained = NONE;
  /** No flush is known yet: the first one may take interrupts set before the trace, or in its missing parts. */
  mayBeOlder = true;
  /** It was so at the last injection: if no set explains that, it is not from nowhere. */
  isExcused = false;
  /** The interrupt in HVIP may be such a one. */
  isOlder = false;
  /** The arrow of its set has come to its end with the interrupt before it. */
  isOver = false;
}

const GUEST = 'the guest itself';

/** Words for the origin of the interrupt in HVIP; undefined if arrows show it. */
function setterOf({ injected, unexplained, isOlder, isOver }: Edge): string | undefined {
  if (injected.length > 0) return undefined;
  if (unexplained !== NONE) return 'nobody known yet';
  if (isOlder) return 'somebody before the trace';
  return isOver ? 'a call whose arrow ends at the interrupt before' : GUEST;
}

function noCounts(): InterruptCounts {
  return {
    set: 0,
    coalesced: 0,
    injected: 0,
    taken: 0,
    own: 0,
    cleared: 0,
    withdrawn: 0,
    spurious: 0,
    lost: 0,
  };
}

/** A set that was lost. */
export interface LostSet {
  readonly flow: number;
  /** When it was set. */
  readonly began: number;
}

/** The edge of one number, of all vCPUs. Times are those of records, in the order in which they come. */
export class EdgeLedger {
  readonly #edges: Edge[];
  readonly #mask: number;

  /** @param irq its number in HVIP, below 16 */
  constructor(vcpus: number, irq: number) {
    this.#edges = Array.from({ length: vcpus }, () => new Edge());
    this.#mask = 1 << irq;
  }

  counts(vcpu: number): InterruptCounts {
    return this.#edge(vcpu).counts;
  }

  set(vcpu: number, flow: number, time: number, ring: number): void {
    const edge = this.#edge(vcpu);
    edge.counts.set++;
    if (edge.unexplained + CLOCK_ERROR_MS >= time) {
      // By the clocks it came behind the flush that took it.
      edge.unexplained = NONE;
      edge.isOlder = false;
      edge.injected.push(flow);
    } else if (edge.open.length < MOST_OPEN) {
      edge.open.push({
        flow,
        began: time,
        ring,
        done: Number.POSITIVE_INFINITY,
        perhapsAbsorbed: false,
        isOver: false,
      });
    } else {
      edge.counts.coalesced++;
    }
  }

  setDone(vcpu: number, time: number, ring: number): void {
    const { open, perhapsNext } = this.#edge(vcpu);
    const isIts = (each: OpenSet) => each.ring === ring;
    const set = open.findLast(isIts) ?? perhapsNext.findLast(isIts);
    if (set?.done === Number.POSITIVE_INFINITY) set.done = time;
  }

  /**
   * A flush has made the bit rise.
   *
   * @param endBefore the end of the stay before, which lies before the flush; -Infinity if it is not known
   * @param time behind the flush
   * @returns the arrows of the sets that were injected
   */
  inject(vcpu: number, bits: number, time: number, endBefore: number): readonly number[] {
    const edge = this.#edge(vcpu);
    if ((bits & this.#mask) === 0) return [];
    this.#settleUnexplained(edge, Number.POSITIVE_INFINITY);
    const { counts, open } = edge;
    edge.isOlder = edge.mayBeOlder;
    edge.isExcused = edge.mayBeOlder;
    edge.mayBeOlder = false;
    edge.isOver = false;
    counts.injected++;
    if (open.length === 0) return this.#injectLate(edge, time, endBefore);
    counts.coalesced += open.length - 1;
    const flows = open.map(({ flow }) => flow);
    edge.injected.push(...flows);
    edge.spare = Math.min(edge.spare, edge.perhapsNext.length) + open.length - 1;
    edge.perhapsNext = [...edge.perhapsNext, ...open].filter(({ done }) => done >= endBefore);
    edge.open = [];
    return flows;
  }

  /**
   * No set is open that explains the injection. The thread of the vCPU may have been stopped between the flush before
   * and its record: a set that came meanwhile counts as taken by that flush, and was taken by this one. Its arrow stays
   * where it is if it has come to its end.
   */
  #injectLate(edge: Edge, time: number, endBefore: number): readonly number[] {
    const set = edge.spare > 0 ? edge.perhapsNext.shift() : undefined;
    if (set === undefined) {
      edge.unexplained = time;
      return [];
    }
    edge.spare--;
    edge.perhapsNext = edge.perhapsNext.filter(({ done }) => done >= endBefore);
    edge.counts.coalesced--;
    edge.isOver = set.isOver;
    if (set.isOver) return [];
    edge.injected.push(set.flow);
    return [set.flow];
  }

  /** Words for the origin of the interrupt in HVIP, before it is taken; undefined if arrows show it. */
  setBy(vcpu: number): string | undefined {
    return setterOf(this.#edge(vcpu));
  }

  /** The guest is in its handler. @returns the arrows that end there; none if it has set the interrupt itself */
  taken(vcpu: number): readonly number[] {
    const edge = this.#edge(vcpu);
    const { counts } = edge;
    counts.taken++;
    if (setterOf(edge) === GUEST) counts.own++;
    edge.isOlder = false;
    return this.#endArrows(edge);
  }

  #endArrows(edge: Edge): readonly number[] {
    const { injected } = edge;
    for (const set of edge.perhapsNext) set.isOver = true;
    edge.injected = [];
    edge.isOver = false;
    return injected;
  }

  /**
   * A stay in the guest is over.
   *
   * @param endBefore the end of the one before, -Infinity if it is not known
   * @param flushed behind the flush
   * @returns sets that were lost, and the arrows of those that the guest has cleared without a trap
   */
  stay(
    vcpu: number,
    endBefore: number,
    flushed: number,
    hvipIn: number,
    hvipOut: number,
  ): { readonly lost: readonly LostSet[]; readonly cleared: readonly number[] } {
    const edge = this.#edge(vcpu);
    this.#settleUnexplained(edge, flushed);
    edge.mayBeOlder = false;
    edge.perhapsNext = edge.perhapsNext.filter(({ done }) => done >= endBefore);
    const lost =
      (hvipIn & this.#mask) !== 0 ? this.#absorb(edge, endBefore, flushed) : this.#lose(edge, endBefore);
    if ((hvipOut & this.#mask) !== 0) return { lost, cleared: [] };
    edge.isOlder = false;
    if (edge.injected.length > 0 || edge.isOver) edge.counts.cleared++;
    return { lost, cleared: this.#endArrows(edge) };
  }

  /** A vCPU sleeps since then, with the interrupt enabled. @returns sets that should have woken it */
  asleep(vcpu: number, since: number, now: number): readonly LostSet[] {
    const edge = this.#edge(vcpu);
    const overdue = (each: OpenSet) =>
      now - Math.max(since, each.done) > SLEEPS_ON_MS && !each.perhapsAbsorbed;
    const lost = edge.open.filter(overdue);
    edge.open = edge.open.filter((each) => !overdue(each));
    edge.counts.lost += lost.length;
    return lost;
  }

  /** The guest has cleared the interrupt by a call, or the vCPU is started anew: interrupts set before are void. */
  withdraw(vcpu: number, time: number): void {
    const edge = this.#edge(vcpu);
    const stays = edge.open.filter(({ done }) => done >= time);
    for (const each of stays) each.perhapsAbsorbed ||= each.began < time;
    edge.counts.withdrawn += edge.open.length - stays.length;
    edge.open = stays;
  }

  /** Records were lost: nothing is known of interrupts under way. */
  forget(): void {
    for (const edge of this.#edges) {
      edge.open = [];
      edge.injected = [];
      edge.perhapsNext = [];
      edge.unexplained = NONE;
      edge.mayBeOlder = true;
    }
  }

  /** The end of the trace. */
  finish(): void {
    for (const edge of this.#edges) this.#settleUnexplained(edge, Number.POSITIVE_INFINITY);
  }

  /** Sets that no flush has taken yet. */
  pending(vcpu: number): number {
    return this.#edge(vcpu).open.length;
  }

  /** The flush found the bit in HVIP already, and has taken the interrupts announced before it. */
  #absorb(edge: Edge, endBefore: number, flushed: number): readonly LostSet[] {
    const { counts, open } = edge;
    for (const each of open) {
      // One that was over before this flush is in HVIP now, unless it was lost: it is one with that which is there.
      if (each.done < endBefore) {
        counts.coalesced++;
        edge.injected.push(each.flow);
      } else if (each.began < flushed) {
        each.perhapsAbsorbed = true;
      }
    }
    edge.open = open.filter(({ done }) => done >= endBefore);
    return [];
  }

  /**
   * The bit is not in HVIP behind a flush: an interrupt that was set before it, and was not taken by one before, is
   * nowhere.
   */
  #lose(edge: Edge, endBefore: number): readonly LostSet[] {
    const { counts, open } = edge;
    if (open.length === 0) return [];
    const over = open.filter(({ done }) => done + CLOCK_ERROR_MS < endBefore);
    if (over.length === 0) return [];
    edge.open = open.filter(({ done }) => done + CLOCK_ERROR_MS >= endBefore);
    const lost = over.filter(({ perhapsAbsorbed }) => !perhapsAbsorbed);
    counts.lost += lost.length;
    counts.coalesced += over.length - lost.length;
    return lost;
  }

  #settleUnexplained(edge: Edge, now: number): void {
    if (edge.unexplained + CLOCK_ERROR_MS >= now || edge.unexplained === NONE) return;
    if (!edge.isExcused) edge.counts.spurious++;
    edge.unexplained = NONE;
  }

  #edge(vcpu: number): Edge {
    const edge = this.#edges[vcpu];
    if (edge === undefined) throw new RangeError(`the trace has no vCPU ${vcpu}`);
    return edge;
  }
}

/**
 * Interrupts of devices, by the numbers that the guest claims: sources of a controller, or identities of an interrupt
 * file.
 */
export interface ClaimCounts {
  /** The wire rose, or the message was sent. */
  raised: number;
  /** It did so while the one before had not been claimed: the guest sees one. */
  coalesced: number;
  claimed: number;
  /** Claimed again without having risen: a wire that stays up, or did so until the claim before was completed. */
  again: number;
}

interface Source {
  readonly counts: ClaimCounts;
  /** The arrow of an interrupt that was not claimed yet; 0 if there is none. */
  open: number;
}

/** Interrupts that are claimed, by a key of their own. */
export class ClaimLedger {
  readonly #sources = new Map<string, Source>();
  /** Arrows of interrupts that were not claimed yet. */
  readonly #open = new Set<number>();

  raise(key: string, flow: number): number {
    const source = this.#source(key);
    source.counts.raised++;
    if (source.open !== 0) {
      source.counts.coalesced++;
    } else {
      source.open = flow;
      this.#open.add(flow);
    }
    return source.open;
  }

  /** @returns the arrow that ends there; 0 if there is none */
  claim(key: string): number {
    const source = this.#source(key);
    const { open, counts } = source;
    counts.claimed++;
    if (open === 0) counts.again++;
    this.#close(source);
    return open;
  }

  /** It goes on as something else, which is claimed in its place. */
  pass(key: string): void {
    this.#close(this.#source(key));
  }

  /** Whether the arrow has not come to its end: a kick may be late, when the guest has claimed its interrupt. */
  isOpen(flow: number): boolean {
    return this.#open.has(flow);
  }

  /** Records were lost. */
  forget(): void {
    for (const source of this.#sources.values()) source.open = 0;
    this.#open.clear();
  }

  *counts(): Generator<readonly [key: string, counts: ClaimCounts]> {
    for (const [key, { counts }] of this.#sources) yield [key, counts];
  }

  #close(source: Source): void {
    this.#open.delete(source.open);
    source.open = 0;
  }

  #source(key: string): Source {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    if (this.#sources.size >= MOST_SOURCES && key !== OTHERS) return this.#source(OTHERS);
    const source = { counts: { raised: 0, coalesced: 0, claimed: 0, again: 0 }, open: 0 };
    this.#sources.set(key, source);
    return source;
  }
}
