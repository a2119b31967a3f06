import type { FilePlace } from '../interrupts/interrupt-file.ts';
import { createDecoder, type Decode, vlenOf } from '../isa/index.ts';
import { hartArea } from './area.ts';
import { CallOutAnswers } from './call-out-answers.ts';
import { CodeCache } from './code-cache.ts';
import { comparePair } from './compare-pair.ts';
import { HartDebug, type HartStop } from './debug/hart-debug.ts';
import type { HartPoint } from './debug/point-list.ts';
import { Stepper } from './debug/stepper.ts';
import { describeHart, describeProtection } from './describe-hart.ts';
import { ExceptionRow } from './exception-row.ts';
import { EXCLUSION, Exclusion } from './exclusion.ts';
import { Fetcher } from './fetcher.ts';
import { Flow } from './flow.ts';
import { guestAccess } from './guest-access.ts';
import { type HartOptions, regionOptions } from './hart-options.ts';
import { type CallOutFunctions, type GeneratedCode, instantiate } from './instantiate.ts';
import { InstructionCount, NO_LIMIT } from './instruction-count.ts';
import { CALL_RESULT } from './interpreter/call-outs.ts';
import { OperationTable } from './interpreter/operation-table.ts';
import { CSR, EXIT, type Exit, FIELD } from './layout.ts';
import { MemoryAccess } from './memory-access.ts';
import { Mmu, Pmp } from './mmu/index.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { Position } from './position.ts';
import { Privileged, type PrivilegedHooks } from './privileged/index.ts';
import { QUIET } from './privileged/registers.ts';
import { type RegionStatistics, readRegionStatistics } from './region-statistics.ts';
import { reservationHolds } from './reservation.ts';
import { RunTime } from './run-time.ts';
import { type HartRegisters, loadRegisters } from './saved-registers.ts';
import { HartState } from './state.ts';
import { TakenInterrupts } from './taken-interrupts.ts';
import { Regions } from './tiers/regions.ts';
import { Tlb } from './tlb.ts';
import { VectorUnit } from './vector/vector-unit.ts';

/** A cause that the specification leaves to custom use: the host wants the guest out for its own reasons. */
const HOST_INTERRUPTION = 24;

/**
 * One RISC-V hart: state in linear memory, instructions carried out by the generated interpreter, everything that is
 * rare (traps, CSRs, page walks, devices) by TypeScript.
 */
export class Hart {
  readonly state: HartState;
  readonly privileged: Privileged;
  readonly tlb: Tlb;
  readonly pmp: Pmp;
  readonly mmu: Mmu;
  readonly physical: PhysicalMemory;
  readonly #options: HartOptions;
  readonly #words: Int32Array;
  readonly #memoryWords: Int32Array;
  readonly #decode: Decode;
  readonly #code: CodeCache;
  readonly #access: MemoryAccess;
  readonly #vector: VectorUnit | undefined;
  readonly #generated: GeneratedCode;
  readonly #regionTable = new WebAssembly.Table({ initial: 0, element: 'anyfunc' });
  readonly #regions: Regions | undefined;
  readonly #count: InstructionCount;
  readonly #time: RunTime;
  readonly #position: Position;
  readonly #fetcher: Fetcher;
  readonly #flow: Flow;
  readonly #debug: HartDebug;
  readonly #exclusion: Exclusion;
  readonly #interrupts: TakenInterrupts;
  readonly #answers: CallOutAnswers;
  readonly #stepper: Stepper;
  #stop: HartStop | undefined;

  constructor(options: HartOptions) {
    const { area, ram, xlen = 64 } = options;
    const memory = ram.linear;
    this.state = new HartState(memory, area, xlen);
    this.#words = this.state.words;
    this.#count = new InstructionCount(this.#words);
    this.#time = new RunTime(options.platform);
    this.exceptionRow = new ExceptionRow(this.#words);
    this.#position = new Position(this.state);
    this.#memoryWords = new Int32Array(memory.buffer);
    this.#options = options;
    this.#words[FIELD.exitRequest >> 2] = options.exitRequest;
    this.#words[FIELD.hsHost >> 2] = options.hsHost ? 1 : 0;
    const exclusion = options.exclusion ?? area + FIELD.ownExclusion;
    this.#words[FIELD.exclusion >> 2] = exclusion;
    const words = EXCLUSION.over(memory.buffer, exclusion);
    this.#exclusion = new Exclusion(words, () => this.#flow.exitRequested());
    describeHart(this.#words, options);
    const { buffer } = memory;
    const onChange = () => describeProtection(this.#words, ram, this.pmp);
    this.pmp = new Pmp(xlen, onChange, buffer, area + FIELD.protection);
    this.physical = new PhysicalMemory(ram, options.devices);
    this.privileged = new Privileged(this.state, options.platform, this.#hooks(), options);
    const parts = hartArea(options.codePages).at;
    this.tlb = new Tlb(this.state, memory, area + parts.tlb);
    this.mmu = new Mmu(this.state, ram, this.pmp, this.privileged.exception);
    this.#debug = new HartDebug(this.#words);
    const { state, privileged } = this;
    this.#interrupts = new TakenInterrupts({ ...options, state, privileged, debug: this.#debug });
    this.#access = new MemoryAccess(this.state, this.mmu, this.tlb, this.physical, this.#debug);
    this.#decode = createDecoder({ extensions: options.extensions, xlen });
    this.#vector = this.#createVectorUnit(options);
    this.#generated = instantiate(options.interpreter, memory, this.#regionTable, this.#callOuts());
    this.#code = this.#createCode(area + parts.code);
    this.#words[FIELD.codeDirectory >> 2] = this.#code.directory;
    this.#fetcher = this.#createFetcher();
    this.#flow = this.#createFlow();
    this.#stepper = this.#createStepper();
    if (options.compile === true) this.#regions = this.#createRegions(options);
    this.#answers = this.#createAnswers();
    this.reset();
  }

  #createCode(base: number): CodeCache {
    return new CodeCache({
      base,
      pages: this.#options.codePages,
      ram: this.#options.ram,
      operations: OperationTable.ofModule(this.#options.interpreter),
      decode: this.#decode,
      samePage: (a, b) => this.#generated.samePage(a, b) !== 0,
      onEvict: (slots) => {
        this.#regions?.dropPage(slots);
        this.tlb.flushFetches();
      },
      onChange: (slots) => this.#regions?.dropPage(slots),
      onAdmit: (slots, page) => this.#regions?.admit(slots, page),
    });
  }

  #createVectorUnit({ extensions }: HartOptions): VectorUnit | undefined {
    const vlen = vlenOf(extensions);
    if (vlen === 0) return undefined;
    const table = this.#regionTable;
    const { state, privileged } = this;
    const { exception } = privileged;
    return new VectorUnit({
      ...{ state, access: this.#access, exception, debug: this.#debug, table, vlen, extensions },
      float: () => this.#generated.exports,
    });
  }

  #createFetcher(): Fetcher {
    return new Fetcher({
      state: this.state,
      position: this.#position,
      code: this.#code,
      decode: this.#decode,
      tlb: this.tlb,
      mmu: this.mmu,
      pmp: this.pmp,
      ram: this.#options.ram,
      debug: this.#debug,
      raise: (cause, tvalLow, tvalHigh) => this.#flow.raiseAt(cause, tvalLow, tvalHigh),
    });
  }

  #createFlow(): Flow {
    return new Flow({
      state: this.state,
      privileged: this.privileged,
      code: this.#code,
      fetcher: this.#fetcher,
      position: this.#position,
      count: this.#count,
      time: this.#time,
      exceptionRow: this.exceptionRow,
      debug: this.#debug,
      exclusion: this.#exclusion,
    });
  }

  #createStepper(): Stepper {
    return new Stepper({
      state: this.state,
      debug: this.#debug,
      count: this.#count,
      position: this.#position,
      fetcher: this.#fetcher,
      runGenerated: () => void this.#generated.run(this.state.base),
      enterTrap: (pcLow, pcHigh) => this.#flow.enterTrap(pcLow, pcHigh),
    });
  }

  #createAnswers(): CallOutAnswers {
    return new CallOutAnswers({
      state: this.state,
      platform: this.#options.platform,
      privileged: this.privileged,
      decode: this.#decode,
      code: this.#code,
      access: this.#access,
      vector: this.#vector,
      fetcher: this.#fetcher,
      flow: this.#flow,
      position: this.#position,
      count: this.#count,
      time: this.#time,
      interrupts: this.#interrupts,
      regions: this.#regions,
    });
  }

  /** Found when they are called: generated code is there before the parts that answer it, which need it. */
  #callOuts(): CallOutFunctions {
    return {
      decode: () => this.#answers.decode(),
      sample: () => this.#answers.sample(),
      stretch: () => this.#answers.stretch(),
      deoptimize: () => this.#answers.deoptimize(),
      time: () => this.#answers.time(),
      fetch: () => this.#flow.fetch(),
      straddle: () => this.#flow.straddle(),
      system: () => this.#answers.system(),
      illegal: () => this.#answers.illegal(),
      load: (kind) => this.#answers.load(kind),
      store: (bytes) => this.#answers.store(bytes),
      message: (pending) => this.#answers.message(pending),
      atomic: (argument) => this.#answers.atomic(argument),
    };
  }

  #createRegions(options: HartOptions): Regions {
    return new Regions({
      ...regionOptions(options),
      state: this.state,
      tlb: this.tlb,
      code: this.#code,
      decode: this.#decode,
      table: this.#regionTable,
      float: this.#generated.exports,
    });
  }

  /** Statistics of the compiler; undefined for a hart that only interprets. */
  get regionStatistics(): RegionStatistics | undefined {
    return this.#regions && readRegionStatistics(this.state.memory, this.state.base);
  }

  /** Architectural reset: M-mode, pc 0, nothing pending. */
  reset(): void {
    // The host's own protection is the RAM window; a guest below it meets no PMP.
    if (this.state.hsHost) this.pmp.allowAll();
    else this.pmp.reset();
    this.privileged.reset();
    // Memory may have been loaded anew.
    this.#code.invalidate();
    this.tlb.flushAll();
  }

  /** After a reset: goes on where a hart of the same kind was that has been saved. */
  goOnWith(registers: HartRegisters): void {
    loadRegisters(registers, this);
    this.#words[FIELD.quiet >> 2] = QUIET.no;
  }

  /**
   * Runs guest code until there is a reason to return: about `fuel` instructions have been started, the exit-request
   * word is not 0, the platform's `runEnd` has come, a counter may have overflowed (the caller looks then:
   * {@link Privileged.noticeOverflows}), WFI has nothing to wait for but an interrupt, the guest has paused
   * often ({@link limitPauses}), or (with `hsHost`) a trap for the host was taken.
   *
   * @param fuel instructions, 1..2^31-1; looked at on taken jumps and after traps only, so that a few more may run
   */
  run(fuel: number): Exit {
    this.#stop = undefined;
    this.#count.start(Math.min(fuel, this.privileged.untilOverflow()));
    this.#time.start();
    const exit = this.#inside(() => this.#run(this.#enter()));
    if (exit === EXIT.debug) this.#stop = this.#debug.takeStop();
    return exit;
  }

  /**
   * @param most PAUSE instructions after which a later {@link run} ends, soon; no number of them ends it unless given
   */
  limitPauses(most?: number): void {
    this.#count.mostPauses = most ?? NO_LIMIT;
  }

  /** The guest has paused as often as it may: it waits for another hart, which may wait for this one's processor. */
  get pausedOften(): boolean {
    return this.#count.waits;
  }

  /** Why the last {@link run} or {@link step} has ended where a debugger wants the hart to stop, if it has. */
  get stop(): HartStop | undefined {
    return this.#stop;
  }

  /** Takes a debugger's points; also when it has changed memory, or registers that decide about translation. */
  debug(points: readonly HartPoint[]): void {
    this.#debug.use(points);
    this.#code.unmarkAll();
    this.pmp.changed();
    this.fenceI();
    this.flushTranslations();
  }

  /**
   * Carries out one instruction, or the trap that it raises, and takes no interrupt. A point in code there does not
   * count. The result is that of {@link run}, with {@link EXIT.yield} where there is nothing more to say.
   */
  step(): Exit {
    this.#time.start();
    this.#flow.contextChanged = false;
    const exit = this.#inside(() => this.#stepper.step());
    this.#stop = exit === EXIT.debug ? this.#debug.takeStop() : undefined;
    return exit;
  }

  /**
   * Goes on as if the last `run`, which ended with {@link EXIT.yield}, had not ended: no interrupt is looked for.
   *
   * @param fuel as for {@link run}; with 0 it returns at the next taken jump or trap
   */
  goOn(fuel: number): Exit {
    this.#count.start(fuel);
    return this.#inside(() => this.#run(this.#flow.goToPc()));
  }

  /** Works in guest memory, while no hart does so alone. */
  #inside(work: () => Exit): Exit {
    if (!this.#exclusion.enter()) return EXIT.yield;
    try {
      return work();
    } finally {
      this.#exclusion.leave();
    }
  }

  #run(status: number): Exit {
    for (let next = status; next !== CALL_RESULT.leave; next = this.#enter()) {
      this.#generated.run(this.state.base);
      const exit = this.#exit();
      this.#count.endEarly();
      if (exit !== EXIT.yield) return exit;
      this.#position.savePc();
      if (!this.#mayGoOn()) return exit;
    }
    return this.#exit();
  }

  /** The code was left by a poll, and it was only for a look at interrupts. */
  #mayGoOn(): boolean {
    if (this.#count.waits || !this.#exclusion.mayStay) return false;
    return this.#count.hasFuel && !this.#time.spend() && this.#options.platform.takeLook?.() === true;
  }

  /**
   * Does something to the hart beside running it; in lock step to both harts, so that it must depend on nothing else.
   */
  both(action: (hart: Hart) => void): void {
    action(this);
  }

  /** The hart will run no more: lock step compares memory for the last time. */
  finish(): void {}

  /** Instructions retired so far, as a double: exact below 2^53. */
  get instructions(): number {
    return this.#count.retired;
  }

  /** FENCE.I as another hart or the host asks for it. */
  fenceI(): void {
    this.#code.invalidate();
    this.tlb.flushFetches();
  }

  /** Forgets all translations, of every context. */
  flushTranslations(): void {
    this.tlb.flushAll();
  }

  /**
   * For a host that plays HS-mode, with the guest interrupted between two instructions: leaves V=1 as a trap to HS
   * would, so that sepc, hstatus and sstatus tell where to resume.
   */
  interruptGuest(): void {
    this.#flow.raiseAt(HOST_INTERRUPTION, 0, 0);
    this.privileged.enterTrap(this.state.pcLow, this.state.pcHigh);
  }

  /** For a host that plays HS-mode: its SRET, back to where sepc, hstatus and sstatus say. */
  resumeGuest(): void {
    this.privileged.returnFromSupervisor();
  }

  /**
   * For a host that plays HS-mode: gives the guest the exception that trapped to HS, under another cause if need be, as
   * if it had been delegated. The guest resumes in its handler.
   */
  reflectToGuest(cause: number): void {
    const { csr } = this.state;
    const tvalLow = csr[CSR.stval] as number;
    const tvalHigh = csr[CSR.stval + 1] as number;
    this.resumeGuest();
    this.#flow.raiseAt(cause, tvalLow, tvalHigh);
    const { pcLow, pcHigh } = this.state;
    this.exceptionRow.note(this.instructions, cause, pcLow, pcHigh);
    if (this.privileged.enterTrap(pcLow, pcHigh) !== 'VS') {
      throw new Error(`hedeleg does not hand on exception ${cause}`);
    }
    this.interruptGuest();
  }

  /** Chooses the word that makes `run` return, by its address in linear memory. */
  useExitRequest(address: number): void {
    this.#words[FIELD.exitRequest >> 2] = address;
  }

  /**
   * Says where one of the hart's interrupt files is in linear memory, as {@link Platform.interruptFile} numbers them,
   * so that generated code uses it. Nothing else may drive the interrupt of that file. All files have the same size.
   */
  useInterruptFile(number: number, place: FilePlace | undefined): void {
    this.#words[(FIELD.files >> 2) + number] = place?.address ?? 0;
    if (place !== undefined) this.#words[FIELD.fileWords >> 2] = place.words;
  }

  #exit(): Exit {
    return this.#words[FIELD.exit >> 2] as Exit;
  }

  /** Interrupts taken by the guest since the start, by VS-level cause (1, 5, 9, ...); for statistics. */
  get guestInterrupts(): Float64Array {
    return this.#interrupts.ofGuest;
  }

  /** Exceptions since the last instruction that retired; `run` returns at each 1024 of them. */
  readonly exceptionRow: ExceptionRow;

  /** Takes a pending interrupt, then finds the decoded code at pc. */
  #enter(): number {
    if (this.#interrupts.isForHost(this.#interrupts.take())) return this.#flow.leave(EXIT.trap);
    return this.#flow.goToPc();
  }

  #hooks(): PrivilegedHooks {
    return {
      contextChanged: () => {
        this.#flow.contextChanged = true;
        this.tlb.select();
      },
      fence: (kind, addressLow, addressHigh, id) => {
        this.#flow.contextChanged = true;
        this.tlb.fence(kind, addressLow, addressHigh, id);
      },
      fenceI: () => {
        this.#flow.contextChanged = true;
        this.fenceI();
      },
      cacheBlock: (operation, low, high) => this.#access.cacheBlock(operation === 'zero', low, high),
      guestAccess: (decoded) => guestAccess(this.state, this.#access, decoded),
      pmpRead: (csr, out) => this.pmp.readCsr(csr, out),
      pmpWrite: (csr, low, high) => {
        this.pmp.writeCsr(csr, low, high);
        this.tlb.flushAll();
        this.#flow.contextChanged = true;
      },
      retired: (out) => this.#count.readBefore(out),
      reservationHolds: () => reservationHolds(this.state, this.#memoryWords),
      comparePair: (decoded) =>
        comparePair(this.state, this.#access, decoded, (action) => this.#exclusion.alone(action)),
      limitRun: (instructions) => this.#count.restrict(instructions),
      exitRequested: () => this.#flow.exitRequested(),
    };
  }
}
