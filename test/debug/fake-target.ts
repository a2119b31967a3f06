import fc from 'fast-check';
import type { Action, DebugListener, DebugTarget, Ending, PointKind, Stop } from '../../src/debug/target.ts';

const RAM = 0x8000_0000;
const BYTES = 0x1_0000;
const THREADS = 3;

/** A target without a machine: 64 KiB of memory, registers of which all threads have the same, and a log. */
export class FakeTarget implements DebugTarget {
  readonly xlen = 64;
  readonly vlenb = 16;
  readonly threads = THREADS;
  readonly csrs = [
    { number: 1, name: 'fflags' },
    { number: 0x100, name: 'sstatus' },
  ];
  readonly registers = new Map<number, bigint>();
  readonly points: string[] = [];
  readonly log: string[] = [];
  actions: readonly Action[] = [];
  /** Bytes that were written. */
  written = 0;
  readonly #memory = new Uint8Array(BYTES);
  #listener: DebugListener | undefined;
  #ending: Ending | undefined;

  threadName(thread: number): string {
    return `hart ${thread}`;
  }

  threadState(): string {
    return 'running';
  }

  readRegister(_thread: number, register: number): bigint | undefined {
    return register < 4194 ? (this.registers.get(register) ?? 0n) : undefined;
  }

  writeRegister(_thread: number, register: number, value: bigint): boolean {
    if (register >= 4194) return false;
    this.registers.set(register, value);
    return true;
  }

  translate(_thread: number, address: bigint): number | undefined {
    return address < 2n ** 53n ? Number(address) : undefined;
  }

  readMemory(address: number, length: number): Uint8Array | undefined {
    const at = address - RAM;
    return at >= 0 && at + length <= BYTES ? this.#memory.slice(at, at + length) : undefined;
  }

  writeMemory(address: number, bytes: Uint8Array): boolean {
    this.written += bytes.length;
    this.#memory.set(bytes, address - RAM);
    return true;
  }

  insertPoint(kind: PointKind, address: bigint, length: number): boolean {
    if (this.points.length >= 8) return false;
    this.points.push(`${kind} ${address} ${length}`);
    return true;
  }

  removePoint(kind: PointKind, address: bigint, length: number): boolean {
    const index = this.points.indexOf(`${kind} ${address} ${length}`);
    if (index < 0) throw new Error('there is no such point');
    this.points.splice(index, 1);
    return true;
  }

  async pause(): Promise<void> {
    this.log.push('pause');
  }

  resume(actions: readonly Action[]): void {
    this.log.push('resume');
    this.actions = actions;
  }

  kill(): void {
    this.log.push('kill');
  }

  describePending(thread: number): readonly string[] {
    return [`${thread}: nothing`];
  }

  describeStatistics(): readonly string[] {
    return ['nothing'];
  }

  listen(listener: DebugListener | undefined): void {
    this.#listener = listener;
    if (this.#ending !== undefined) listener?.ended(this.#ending);
  }

  stop(stop: Stop): void {
    this.#listener?.stopped(stop);
  }

  end(ending: Ending): void {
    this.#ending = ending;
    this.#listener?.ended(ending);
  }
}

const STARTS = (
  'g G p P m M X H T Z z c C s S D k ! ? qSupported: QStartNoAckMode qXfer:features:read:target.xml: ' +
  'qXfer:threads:read:: qfThreadInfo qsThreadInfo qThreadExtraInfo, qCRC: qC qRcmd, qSymbol: Qqemu.PhyMemMode: ' +
  'qqemu.PhyMemMode vCont? vCont; vKill vAttach vFile: qAttached'
).split(' ');

/** Packets that begin as known ones do and go on as they like, and others. */
export function hostileText(): fc.Arbitrary<string> {
  const number = fc.oneof(
    fc.constantFrom('0', '1', '-1', '80000000', '80000100', 'ffffffffffffffff', '7fffffff', '1000', ''),
    fc.bigInt({ min: 0n, max: 2n ** 70n }).map((value) => value.toString(16)),
  );
  const joint = fc.constantFrom(
    ',',
    ':',
    ';',
    '=',
    'c',
    's',
    'r',
    '#',
    '$',
    '}',
    '*',
    '\x03',
    '+',
    '-',
    '\0',
    '\xff',
  );
  const tail = fc.array(fc.oneof(number, joint), { maxLength: 8 }).map((parts) => parts.join(''));
  const known = fc.tuple(fc.constantFrom(...STARTS), tail).map(([start, rest]) => start + rest);
  return fc.oneof({ weight: 4, arbitrary: known }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });
}
