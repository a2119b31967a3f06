import {
  type AluOperation,
  aluResult,
  amoResult,
  codeAddress,
  type FenceOrder,
  type Instruction,
  instructionAt,
  isTaken,
  locationAt,
  type Program,
  READS,
  WRITES,
} from './program.ts';

/** A memory operation of a run. Masks have bit `i` for the hart's `i`-th memory operation. */
export interface MemoryEvent {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly location: number;
  /** The value it reads, 0 when it does not. */
  readonly read: number;
  /** The value it writes, 0 when it does not. */
  readonly written: number;
  readonly acquire: boolean;
  readonly release: boolean;
  readonly rcsc: boolean;
  /** Operations that the address depends on. */
  readonly address: number;
  /** Operations that the stored value depends on. */
  readonly data: number;
  /** Operations that a branch before this one depends on. */
  readonly control: number;
  /** Operations that the address of an earlier memory operation depends on. */
  readonly earlierAddresses: number;
  /** Operations that a fence orders before this one. */
  readonly fenced: number;
  /** For a successful store-conditional: its load-reserved; else -1. */
  readonly paired: number;
  /** An AMO or a store-conditional: reading from it does not skip its place in the global order. */
  readonly atomic: boolean;
  /** A load-reserved. */
  readonly reserves: boolean;
}

/** A fence of a run, after its first `count` memory operations. */
export interface PassedFence {
  readonly count: number;
  readonly order: FenceOrder;
}

/** One way for a hart to execute, given what its loads return. */
export interface HartRun {
  readonly events: readonly MemoryEvent[];
  readonly fences: readonly PassedFence[];
  readonly registers: Int32Array;
}

export interface HartRuns {
  readonly runs: readonly HartRun[];
  /** Some runs were given up because they went round loops more often than {@link MOST_REPEATS}. */
  readonly cut: boolean;
  /** Some runs were given up because they used an address that is no location. */
  readonly wild: boolean;
}

type MemoryInstruction = Extract<Instruction, { width: number }>;

interface Cursor {
  at: number;
  repeats: number;
  registers: Int32Array;
  /** For each register, the operations its value depends on. */
  depends: Int32Array;
  control: number;
  addresses: number;
  events: MemoryEvent[];
  fences: PassedFence[];
  /** The event of the last load-reserved that no store-conditional has used up, or -1. */
  reserved: number;
}

/** Operations of one hart that a mask can hold. */
const MOST_EVENTS = 30;

/** How often a hart goes back to an earlier instruction at most: bounds the loops of the programs. */
const MOST_REPEATS = 2;

/** Lists every run of one hart when each load returns one of the values that its location can hold. */
export function runsOfHart(program: Program, hart: number, values: readonly ReadonlySet<number>[]): HartRuns {
  return new HartRunner(program, hart, values).all();
}

class HartRunner {
  readonly #code: readonly Instruction[];
  readonly #locations: number;
  readonly #values: readonly ReadonlySet<number>[];
  readonly #runs: HartRun[] = [];
  readonly #work: Cursor[];
  #cut = false;
  #wild = false;

  constructor(program: Program, hart: number, values: readonly ReadonlySet<number>[]) {
    this.#code = program.harts[hart];
    this.#locations = program.memory.length;
    this.#values = values;
    const registers = new Int32Array(32);
    for (const [register, value] of program.registers[hart]) registers[register] = value;
    this.#work = [
      {
        at: 0,
        repeats: 0,
        registers,
        depends: new Int32Array(32),
        control: 0,
        addresses: 0,
        events: [],
        fences: [],
        reserved: -1,
      },
    ];
  }

  all(): HartRuns {
    for (let cursor = this.#work.pop(); cursor !== undefined; cursor = this.#work.pop()) {
      this.#follow(cursor);
    }
    return { runs: this.#runs, cut: this.#cut, wild: this.#wild };
  }

  #follow(cursor: Cursor): void {
    while (cursor.at < this.#code.length) {
      const { at } = cursor;
      if (!this.#step(cursor, this.#code[at])) return;
      if (cursor.at <= at) cursor.repeats++;
      if (cursor.repeats > MOST_REPEATS || cursor.events.length >= MOST_EVENTS) {
        this.#cut = true;
        return;
      }
    }
    const { events, fences, registers } = cursor;
    this.#runs.push({ events, fences, registers });
  }

  /** @returns false when the cursor has been replaced by others, or given up. */
  #step(cursor: Cursor, instruction: Instruction): boolean {
    cursor.at++;
    switch (instruction.kind) {
      case 'alu':
        alu(cursor, instruction.operation, instruction);
        return true;
      case 'branch': {
        const { left, right } = instruction;
        cursor.control |= cursor.depends[left] | cursor.depends[right];
        if (isTaken(instruction.test, cursor.registers[left], cursor.registers[right])) {
          cursor.at = instruction.target;
        }
        return true;
      }
      case 'jump':
        cursor.at = instruction.target;
        return true;
      case 'jump-register':
        return this.#jumpRegister(cursor, instruction);
      case 'fence':
        for (const order of instruction.orders) {
          cursor.fences.push({ count: cursor.events.length, order });
        }
        return true;
      default:
        return this.#access(cursor, instruction);
    }
  }

  #jumpRegister(cursor: Cursor, instruction: Extract<Instruction, { kind: 'jump-register' }>): boolean {
    const { rd, base, offset } = instruction;
    const target = instructionAt(cursor.registers[base] + offset, this.#code.length);
    cursor.control |= cursor.depends[base];
    setRegister(cursor, rd, codeAddress(cursor.at), 0);
    cursor.at = target;
    if (target < 0) this.#wild = true;
    return target >= 0;
  }

  #access(cursor: Cursor, instruction: MemoryInstruction): boolean {
    const address = (cursor.registers[instruction.base] + instruction.offset) | 0;
    const location = locationAt(address, this.#locations);
    if (location < 0) {
      this.#wild = true;
      return false;
    }
    switch (instruction.kind) {
      case 'store':
        this.#record(cursor, instruction, location, { written: cursor.registers[instruction.data] });
        return true;
      case 'store-conditional':
        return this.#storeConditional(cursor, instruction, location);
      default:
        for (const read of this.#values[location]) {
          const next = fork(cursor);
          const written =
            instruction.kind === 'amo'
              ? amoResult(instruction.operation, read, cursor.registers[instruction.data])
              : undefined;
          const event = this.#record(next, instruction, location, { read, written });
          if (instruction.kind === 'load-reserved') next.reserved = event;
          setRegister(next, instruction.rd, read, 1 << event);
          this.#work.push(next);
        }
        return false;
    }
  }

  /** A store-conditional may fail whatever happens, and fails for certain without a reservation of its location. */
  #storeConditional(
    cursor: Cursor,
    instruction: Extract<Instruction, { kind: 'store-conditional' }>,
    location: number,
  ): boolean {
    const { reserved } = cursor;
    cursor.reserved = -1;
    if (reserved >= 0 && cursor.events[reserved].location === location) {
      const next = fork(cursor);
      const written = cursor.registers[instruction.data];
      const event = this.#record(next, instruction, location, { written, paired: reserved });
      setRegister(next, instruction.rd, 0, 1 << event);
      this.#work.push(next);
    }
    setRegister(cursor, instruction.rd, 1, 0);
    return true;
  }

  #record(
    cursor: Cursor,
    instruction: MemoryInstruction,
    location: number,
    what: { read?: number; written?: number | undefined; paired?: number },
  ): number {
    const address = cursor.depends[instruction.base];
    const reads = what.read !== undefined;
    const writes = what.written !== undefined;
    const { order } = instruction;
    cursor.events.push({
      reads,
      writes,
      location,
      read: what.read ?? 0,
      written: what.written ?? 0,
      acquire: order.acquire,
      release: order.release,
      rcsc: order.rcsc,
      address,
      data: 'data' in instruction ? cursor.depends[instruction.data] : 0,
      control: cursor.control,
      earlierAddresses: cursor.addresses,
      fenced: fencedBefore(cursor, (reads ? READS : 0) | (writes ? WRITES : 0)),
      paired: what.paired ?? -1,
      atomic: instruction.kind === 'amo' || instruction.kind === 'store-conditional',
      reserves: instruction.kind === 'load-reserved',
    });
    cursor.addresses |= address;
    return cursor.events.length - 1;
  }
}

function alu(
  cursor: Cursor,
  operation: AluOperation,
  instruction: Extract<Instruction, { kind: 'alu' }>,
): void {
  const { right } = instruction;
  const immediate = 'immediate' in right;
  const operand = immediate ? right.immediate : cursor.registers[right.register];
  const depends = cursor.depends[instruction.left] | (immediate ? 0 : cursor.depends[right.register]);
  const result = aluResult(operation, cursor.registers[instruction.left], operand);
  setRegister(cursor, instruction.rd, result, depends);
}

function setRegister(cursor: Cursor, register: number, value: number, depends: number): void {
  if (register === 0) return;
  cursor.registers[register] = value;
  cursor.depends[register] = depends;
}

/** The operations that the fences passed so far order before one that accesses in the given ways. */
function fencedBefore(cursor: Cursor, ways: number): number {
  let mask = 0;
  for (const { count, order } of cursor.fences) {
    if ((order.after & ways) === 0) continue;
    for (let i = 0; i < count; i++) {
      const { reads, writes } = cursor.events[i];
      const earlier = (reads ? READS : 0) | (writes ? WRITES : 0);
      if ((order.before & earlier) !== 0) mask |= 1 << i;
    }
  }
  return mask;
}

function fork(cursor: Cursor): Cursor {
  return {
    ...cursor,
    registers: cursor.registers.slice(),
    depends: cursor.depends.slice(),
    events: [...cursor.events],
    fences: [...cursor.fences],
  };
}
