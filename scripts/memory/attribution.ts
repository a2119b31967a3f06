/** Where the resident memory of a process is, from what Linux tells of its address space (`proc_pid_smaps(5)`). */

/** One mapping of `/proc/PID/smaps`. */
export interface Mapping {
  /** First byte, and the one behind the last. User addresses are below 2^47. */
  readonly from: number;
  readonly to: number;
  /** As in `rw-p`. */
  readonly permissions: string;
  /** File, or a name in brackets; empty for anonymous memory. */
  readonly name: string;
  /** KiB. */
  readonly resident: number;
}

/** The uses of memory, in the order of the table. */
export const USE = {
  guestRam: 'guest RAM',
  harts: 'areas of harts: decoded pages, TLBs, records of regions',
  devices: 'vCPUs, devices, scheduler',
  program: 'node and its libraries (pages of files)',
  machineCode: 'machine code that V8 made, JavaScript and WebAssembly',
  heaps: "V8's heaps of JavaScript objects",
  arenas: 'malloc: what V8 knows of modules, its compilers, libuv',
  buffers: 'large blocks: array buffers, compilers, stacks',
} as const;

export type Use = keyof typeof USE;

/** Resident KiB by use. */
export type Attribution = Readonly<Record<Use, number>>;

/** A machine's linear memory, divided: byte offsets from its start. */
export interface LinearMemory {
  readonly bytes: number;
  readonly harts: Span;
  readonly ram: Span;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

const PAGE = 4096;
const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$/;
/** glibc's arenas besides the first are reserved in blocks of that size, which begin at multiples of it. */
const ARENA = 0x400_0000;
/**
 * The kernel places mappings without a wish near the end of the address space; V8 wishes for random places for its
 * heaps.
 */
const UNPLACED = 0x7000_0000_0000;

/** Reads the text of `/proc/PID/smaps`. */
export function parseMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  let header: RegExpExecArray | null = null;
  for (const line of text.split('\n')) {
    header = HEADER.exec(line) ?? header;
    if (header === null || !line.startsWith('Rss:')) continue;
    const [, from = '', to = '', permissions = '', name = ''] = header;
    const resident = Number.parseInt(line.slice(4), 10);
    mappings.push({
      from: Number.parseInt(from, 16),
      to: Number.parseInt(to, 16),
      permissions,
      name,
      resident,
    });
  }
  return mappings;
}

/** The mapping that is a machine's linear memory: anonymous, and of just that size. */
export function findLinear(mappings: readonly Mapping[], { bytes }: LinearMemory): Mapping | undefined {
  return mappings.find(({ from, to, name }) => name === '' && to - from === bytes);
}

/**
 * Divides the resident memory of a process.
 *
 * @param isPresent whether the page at an offset in linear memory is resident
 */
export function attribute(
  mappings: readonly Mapping[],
  memory: LinearMemory,
  isPresent: (offset: number) => boolean,
): Attribution {
  const sums: Record<Use, number> = {
    ...{ guestRam: 0, harts: 0, devices: 0, program: 0 },
    ...{ machineCode: 0, heaps: 0, arenas: 0, buffers: 0 },
  };
  const linear = findLinear(mappings, memory);
  for (const mapping of mappings) {
    if (mapping !== linear) sums[useOf(mapping, mappings)] += mapping.resident;
  }
  if (linear !== undefined) {
    const resident = (from: number, to: number): number => {
      let pages = 0;
      for (let offset = from; offset < to; offset += PAGE) if (isPresent(offset)) pages++;
      return (pages * PAGE) / 1024;
    };
    sums.harts = resident(memory.harts.from, memory.harts.to);
    sums.devices = resident(0, memory.harts.from);
    // Pages that were only read are present and not counted as resident; none of those is ours.
    sums.guestRam = linear.resident - sums.harts - sums.devices;
  }
  return sums;
}

function useOf({ from, name, permissions }: Mapping, all: readonly Mapping[]): Use {
  if (name.startsWith('/')) return 'program';
  if (permissions.includes('x')) return 'machineCode';
  if (name === '[heap]' || isInArena(from, all)) return 'arenas';
  return from < UNPLACED && name === '' ? 'heaps' : 'buffers';
}

/** An arena is the part in use, then the rest of its block, which nobody may touch. */
function isInArena(address: number, all: readonly Mapping[]): boolean {
  const start = Math.floor(address / ARENA) * ARENA;
  if (address !== start) return false;
  const used = all.find(({ from }) => from === start);
  if (used === undefined || !used.permissions.startsWith('rw')) return false;
  if (used.to === start + ARENA) return true;
  const rest = all.find(({ from }) => from === used.to);
  return rest !== undefined && rest.permissions === '---p' && rest.to === start + ARENA;
}

/** Memory that is not guest RAM, in KiB. */
export function overheadOf(attribution: Attribution): number {
  const { guestRam, ...others } = attribution;
  return Object.values(others).reduce((sum, part) => sum + part, 0);
}
