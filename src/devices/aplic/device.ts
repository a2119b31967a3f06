import { swapBytes } from '../byte-order.ts';
import type { AccessWidth, DeviceWindow, InterruptWitness, LineSink, MsiSink } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { APLIC } from './facts.ts';
import { guestOf, hartOf, MessageAddresses } from './messages.ts';
import { DOMAINCFG, MAP, TARGET, TOPI } from './registers.ts';
import { CHILD, ROOT, Sources, sourcesOf } from './sources.ts';
import { aplicWords, BITMAP_WORDS, HART, WORD } from './words.ts';

/** Privilege level of the harts that an interrupt domain interrupts. */
export type AplicLevel = 'machine' | 'supervisor';

/** Interrupts reach harts by wires: the level of a domain's wire to a hart changed, up or down. */
export interface DirectDelivery {
  /**
   * The thread that runs the hart must look at {@link Aplic.signals} again. Called after the words are written, outside
   * this device's lock, on the thread that caused the change. It may be called with the lock of a source's device held,
   * so it may not call into devices.
   */
  onChange(domain: number, hart: number): void;
}

/** Interrupts reach harts by messages. */
export interface MessageDelivery {
  /** Called with this device's lock held, so that messages to a hart arrive in the order in which they were caused. */
  readonly msi: MsiSink;
  /** Guest interrupt files of each hart. */
  readonly guests: number;
}

/** The wires of the controller. */
export interface AplicWiring {
  readonly harts: number;
  /** The interrupt domains: the root, and perhaps one below it. */
  readonly domains: readonly AplicLevel[];
  readonly delivery: DirectDelivery | MessageDelivery;
  /** Traces wires of sources, and claims. */
  readonly witness?: Pick<InterruptWitness, 'wire' | 'claim'> | undefined;
}

/**
 * The advanced platform-level interrupt controller: RISC-V AIA 1.0, chapter of that name.
 *
 * The delivery mode of all domains is that of the machine, as with QEMU. A wire to a hart has no state: its level is
 * computed from the registers whenever it is asked for.
 */
export class Aplic extends SharedDevice {
  readonly name = 'aplic';
  readonly size: number;
  readonly windows: readonly DeviceWindow[];
  readonly widths = 4;
  readonly #harts: number;
  readonly #domains: readonly AplicLevel[];
  readonly #sources: Sources;
  readonly #addresses: MessageAddresses;
  readonly #direct: DirectDelivery | undefined;
  readonly #messages: MessageDelivery | undefined;
  readonly #witness: AplicWiring['witness'];
  /** Levels of the wires to harts before the change under way, and behind it; of this thread alone. */
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  /** Shared words of a controller with so many domains and harts. */
  static wordsFor(domains: number, harts: number): number {
    return aplicWords(domains, harts);
  }

  /**
   * @param words - `Aplic.wordsFor` shared words
   * @throws RangeError unless there are 1 to 512 harts
   */
  constructor(words: Int32Array, { harts, domains, delivery, witness }: AplicWiring) {
    if (!Number.isInteger(harts) || harts < 1 || harts > APLIC.maxHarts) {
      throw new RangeError(`An APLIC serves 1 to ${APLIC.maxHarts} harts, not ${harts}`);
    }
    super(words, aplicWords(domains.length, harts), 'aplic', { from: WORD.DELEGATED });
    this.windows = domains.map((_, index) => ({
      offset: index * APLIC.supervisorAt,
      size: APLIC.domainSize,
    }));
    this.size = (domains.length - 1) * APLIC.supervisorAt + APLIC.domainSize;
    this.#harts = harts;
    this.#domains = domains;
    this.#direct = 'onChange' in delivery ? delivery : undefined;
    this.#messages = 'msi' in delivery ? delivery : undefined;
    this.#witness = witness;
    this.#sources = new Sources(this.words, {
      child: domains.length > 1,
      messages: this.#messages !== undefined,
    });
    this.#addresses = new MessageAddresses(this.words, WORD.ADDRESSES);
    this.#before = new Uint8Array(domains.length * harts);
    this.#after = new Uint8Array(domains.length * harts);
  }

  /**
   * The wire of one source, for the device that drives it. Only that device may drive it, under its own lock.
   *
   * @param source - 1 to 96
   */
  line(source: number): LineSink {
    if (!Number.isInteger(source) || Sources.missing(source)) {
      throw new RangeError(`An APLIC source is 1 to ${APLIC.sources}, not ${source}`);
    }
    return { set: (level) => this.#drive(source, level) };
  }

  /**
   * True while a domain signals an external interrupt to a hart; never where messages do that. Takes no lock as a rule,
   * so a hart may ask at every entry.
   */
  signals(domain: number, hart: number): boolean {
    if (this.#direct === undefined) return false;
    const version = this.guard.version();
    const level = this.#level(domain, hart);
    return this.guard.stillAt(version) ? level : this.guard.locked(() => this.#level(domain, hart));
  }

  read(offset: number, _width: AccessWidth): number {
    const domain = offset < APLIC.supervisorAt ? ROOT : CHILD;
    return this.#read(domain, offset - domain * APLIC.supervisorAt) >>> 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    const domain = offset < APLIC.supervisorAt ? ROOT : CHILD;
    this.#write(domain, offset - domain * APLIC.supervisorAt, value);
  }

  /** Nothing: harts ask for their levels, and a message that was due has been sent. */
  protected override driveOutputs(): void {}

  protected override afterReplacement(): void {
    for (let domain = 0; domain < this.#domains.length; domain++) {
      for (let hart = 0; hart < this.#harts; hart++) this.#direct?.onChange(domain, hart);
    }
  }

  #load(index: number): number {
    // Counterpart: the stores in #store, which come before the second version change of their section.
    return Atomics.load(this.words, index);
  }

  #store(index: number, value: number): void {
    // Counterpart: the loads in #load of readers without the lock.
    Atomics.store(this.words, index, value | 0);
  }

  /** Reads without the lock where nothing changes meanwhile. */
  #see<T>(look: () => T): T {
    const version = this.guard.version();
    const seen = look();
    return this.guard.stillAt(version) ? seen : this.guard.locked(look);
  }

  #read(domain: number, offset: number): number {
    if (offset < MAP.SOURCECFG_END) return this.#readConfig(domain, offset);
    if (offset >= MAP.IDC) return this.#readHart(domain, offset - MAP.IDC);
    if (offset >= MAP.TARGET) {
      const source = (offset - MAP.TARGET) >> 2;
      if (source === 0) return this.#load(WORD.GENMSI + domain);
      if (Sources.missing(source)) return 0;
      return this.#see(() => (this.#sources.domainOf(source) === domain ? this.#sources.target(source) : 0));
    }
    if (offset >= MAP.MSIADDRCFG && offset < MAP.MSIADDRCFG_END) {
      return this.#hasAddresses(domain) ? this.#addresses.read((offset - MAP.MSIADDRCFG) >> 2) : 0;
    }
    const index = (offset % MAP.BANK_STRIDE) >> 2;
    if (index >= BITMAP_WORDS) return 0;
    switch (offset - (offset % MAP.BANK_STRIDE)) {
      case MAP.SETIP:
        return this.#see(() => this.#sources.pendingWord(domain, index));
      case MAP.CLRIP:
        return this.#see(() => this.#sources.inputWord(domain, index));
      case MAP.SETIE:
        return this.#see(() => this.#sources.enabledWord(domain, index));
      default:
        return 0;
    }
  }

  #readConfig(domain: number, offset: number): number {
    if (offset === MAP.DOMAINCFG) {
      const mode = this.#messages === undefined ? 0 : DOMAINCFG.DM;
      return DOMAINCFG.FIXED | mode | (this.#load(WORD.DELIVERS + domain) !== 0 ? DOMAINCFG.IE : 0);
    }
    const source = offset >> 2;
    return Sources.missing(source) ? 0 : this.#see(() => this.#sources.config(domain, source));
  }

  /** Machine level decides where messages go to. */
  #hasAddresses(domain: number): boolean {
    return this.#messages !== undefined && this.#domains[domain] === 'machine';
  }

  #readHart(domain: number, offset: number): number {
    const hart = Math.floor(offset / MAP.IDC_STRIDE);
    if (this.#direct === undefined || hart >= this.#harts) return 0;
    const base = this.#hartWord(domain, hart);
    switch (offset % MAP.IDC_STRIDE) {
      case MAP.IDELIVERY:
        return this.#load(base + HART.DELIVERY);
      case MAP.IFORCE:
        return this.#load(base + HART.FORCE);
      case MAP.ITHRESHOLD:
        return this.#load(base + HART.THRESHOLD);
      case MAP.TOPI:
        return this.#see(() => this.#top(domain, hart));
      case MAP.CLAIMI:
        return this.#claim(domain, hart);
      default:
        return 0;
    }
  }

  #write(domain: number, offset: number, value: number): void {
    if (offset < MAP.SOURCECFG_END) {
      this.#writeConfig(domain, offset, value);
    } else if (offset >= MAP.IDC) {
      this.#writeHart(domain, offset - MAP.IDC, value);
    } else if (offset >= MAP.TARGET) {
      this.#writeTarget(domain, (offset - MAP.TARGET) >> 2, value);
    } else if (offset >= MAP.MSIADDRCFG && offset < MAP.MSIADDRCFG_END) {
      if (!this.#hasAddresses(domain)) return;
      this.#change(() => this.#addresses.write((offset - MAP.MSIADDRCFG) >> 2, value));
    } else if (offset === MAP.SETIPNUM_LE) {
      this.#writeBit(domain, MAP.SETIP, value);
    } else if (offset === MAP.SETIPNUM_BE) {
      this.#writeBit(domain, MAP.SETIP, swapBytes(value));
    } else {
      const bank = offset - (offset % MAP.BANK_STRIDE);
      const place = offset % MAP.BANK_STRIDE;
      if (place === MAP.BY_NUMBER) this.#writeBit(domain, bank, value);
      else if (place < MAP.BANK_END) this.#writeBits(domain, bank, sourcesOf(place >> 2, value));
    }
  }

  #writeConfig(domain: number, offset: number, value: number): void {
    const source = offset >> 2;
    if (offset === MAP.DOMAINCFG) {
      this.#change(() => {
        this.#store(WORD.DELIVERS + domain, value & DOMAINCFG.IE);
        for (let index = 0; index < BITMAP_WORDS; index++) {
          for (const ready of sourcesOf(index, this.#sources.readyWord(domain, index))) this.#forward(ready);
        }
      });
    } else if (!Sources.missing(source)) {
      this.#change(() => {
        this.#sources.configure(domain, source, value);
        this.#forward(source);
      });
    }
  }

  #writeTarget(domain: number, source: number, value: number): void {
    if (source === 0) {
      this.#generate(domain, value);
    } else if (!Sources.missing(source)) {
      this.#change(() => {
        if (this.#sources.activeIn(domain, source))
          this.#sources.setTarget(source, this.#target(domain, value));
      });
    }
  }

  /** A value of `target` with the fields that the delivery mode has. */
  #target(domain: number, value: number): number {
    const hart = hartOf(value) << TARGET.HART_SHIFT;
    if (this.#messages === undefined) return hart | (value & TARGET.PRIORITY || 1);
    const guests = this.#domains[domain] === 'supervisor' && this.#messages.guests > 0;
    return (
      hart | (value & (guests ? (TARGET.GUEST << TARGET.GUEST_SHIFT) | TARGET.IDENTITY : TARGET.IDENTITY))
    );
  }

  /** `genmsi`: the message leaves at once, so that it is behind all others, and the register is never busy. */
  #generate(domain: number, value: number): void {
    if (this.#messages === undefined) return;
    this.#change(() => {
      const message = value & ((~0 << TARGET.HART_SHIFT) | TARGET.IDENTITY);
      this.#store(WORD.GENMSI + domain, message);
      this.#send(domain, message);
    });
  }

  #writeBit(domain: number, bank: number, source: number): void {
    if (!Sources.missing(source)) this.#writeBits(domain, bank, [source]);
  }

  #writeBits(domain: number, bank: number, sources: Iterable<number>): void {
    if (bank < MAP.SETIP || bank > MAP.CLRIE) return;
    this.#change(() => {
      for (const source of sources) {
        if (!this.#sources.activeIn(domain, source)) continue;
        if (bank === MAP.SETIP) this.#sources.setPending(source);
        else if (bank === MAP.CLRIP) this.#sources.clearPending(source);
        else this.#sources.setEnabled(source, bank === MAP.SETIE);
        this.#forward(source);
      }
    });
  }

  #hartWord(domain: number, hart: number): number {
    return WORD.HARTS + (domain * this.#harts + hart) * HART.WORDS;
  }

  #writeHart(domain: number, offset: number, value: number): void {
    const hart = Math.floor(offset / MAP.IDC_STRIDE);
    if (this.#direct === undefined || hart >= this.#harts) return;
    const base = this.#hartWord(domain, hart);
    const put = (word: number, legal: number) => this.#change(() => this.#store(base + word, legal));
    switch (offset % MAP.IDC_STRIDE) {
      case MAP.IDELIVERY:
        put(HART.DELIVERY, value & 1);
        break;
      case MAP.IFORCE:
        put(HART.FORCE, value & 1);
        break;
      case MAP.ITHRESHOLD:
        put(HART.THRESHOLD, value & TARGET.PRIORITY);
    }
  }

  #drive(source: number, level: boolean): void {
    // Nothing to do if the line is there already. The load needs no lock: only the driver of this line changes it.
    if (this.#sources.line(source) === level) return;
    this.#witness?.wire(source, level);
    this.#change(() => {
      this.#sources.drive(source, level);
      this.#forward(source);
    });
  }

  /** Runs `body` alone; then tells the harts to which a wire changed its level. */
  #change<T>(body: () => T): T {
    const direct = this.#direct;
    if (direct === undefined) return this.guard.change(body);
    const changed: number[] = [];
    const result = this.guard.change(() => {
      this.#levels(this.#before);
      const value = body();
      this.#levels(this.#after);
      for (let wire = 0; wire < this.#after.length; wire++) {
        if (this.#after[wire] !== this.#before[wire]) changed.push(wire);
      }
      return value;
    });
    for (const wire of changed) direct.onChange(Math.floor(wire / this.#harts), wire % this.#harts);
    return result;
  }

  /** The levels of the wires to all harts: one look at each source that is pending. */
  #levels(into: Uint8Array): void {
    for (let domain = 0; domain < this.#domains.length; domain++) {
      const delivers = this.#load(WORD.DELIVERS + domain) !== 0;
      for (let hart = 0; hart < this.#harts; hart++) {
        into[domain * this.#harts + hart] = delivers && this.#forced(domain, hart) ? 1 : 0;
      }
      for (let index = 0; delivers && index < BITMAP_WORDS; index++) {
        for (const source of sourcesOf(index, this.#sources.readyWord(domain, index))) {
          const target = this.#sources.target(source);
          const hart = hartOf(target);
          if (hart < this.#harts && this.#passes(domain, hart, target))
            into[domain * this.#harts + hart] |= this.#load(this.#hartWord(domain, hart) + HART.DELIVERY);
        }
      }
    }
  }

  #level(domain: number, hart: number): boolean {
    if (this.#load(WORD.DELIVERS + domain) === 0) return false;
    if (this.#load(this.#hartWord(domain, hart) + HART.DELIVERY) === 0) return false;
    return this.#forced(domain, hart) || this.#top(domain, hart) !== 0;
  }

  #forced(domain: number, hart: number): boolean {
    const base = this.#hartWord(domain, hart);
    return this.#load(base + HART.FORCE) !== 0 && this.#load(base + HART.DELIVERY) !== 0;
  }

  /** Whether a source with that target is not held back by its hart's threshold. */
  #passes(domain: number, hart: number, target: number): boolean {
    const threshold = this.#load(this.#hartWord(domain, hart) + HART.THRESHOLD);
    return threshold === 0 || (target & TARGET.PRIORITY) < threshold;
  }

  /** `topi`: of the sources with the smallest priority number the one with the lowest number; 0 if there is none. */
  #top(domain: number, hart: number): number {
    let top = 0;
    for (let index = 0; index < BITMAP_WORDS; index++) {
      const ready = this.#sources.readyWord(domain, index);
      if (ready === 0) continue;
      for (const source of sourcesOf(index, ready)) {
        const target = this.#sources.target(source);
        const priority = target & TARGET.PRIORITY;
        if (hartOf(target) !== hart || !this.#passes(domain, hart, target)) continue;
        if (top === 0 || priority < (top & TARGET.PRIORITY)) top = (source << TOPI.SOURCE_SHIFT) | priority;
      }
    }
    return top;
  }

  #claim(domain: number, hart: number): number {
    return this.#change(() => {
      const top = this.#top(domain, hart);
      if (top === 0) this.#store(this.#hartWord(domain, hart) + HART.FORCE, 0);
      // A source that takes the level of its wire stays pending for as long as that is high.
      else this.#sources.clearPending(top >>> TOPI.SOURCE_SHIFT);
      this.#witness?.claim(hart, top >>> TOPI.SOURCE_SHIFT);
      return top;
    });
  }

  /** Sends the message of a source that is pending and enabled; called with the lock held. */
  #forward(source: number): void {
    if (this.#messages === undefined) return;
    const domain = this.#sources.domainOf(source);
    if (this.#load(WORD.DELIVERS + domain) === 0 || !this.#sources.ready(source)) return;
    this.#sources.clearPending(source);
    this.#send(domain, this.#sources.target(source));
  }

  /** Sends a message to the hart and the guest that a `target` names. An address where nothing listens loses it. */
  #send(domain: number, target: number): void {
    const messages = this.#messages;
    if (messages === undefined) return;
    const hart = hartOf(target);
    messages.msi.send(this.#address(domain, hart, guestOf(target), messages.msi), target & TARGET.IDENTITY);
  }

  #address(domain: number, hart: number, guest: number, msi: MsiSink): number {
    if (this.#domains[domain] === 'machine') return this.#addresses.machine(hart);
    // Without a machine level no software tells the controller where the files are.
    return this.#domains[ROOT] === 'machine'
      ? this.#addresses.supervisor(hart, guest)
      : msi.supervisorPage(hart);
  }
}
