import * as hartvisor from '../../src/node/index.ts';
import { GdbServer, type Vm } from '../../src/node/index.ts';
import * as verify from '../../src/verify/public.ts';
import type { Kind } from './wrong-values.ts';

/** Kinds of values that would do for each option. */
type Kinds = Readonly<Record<string, readonly Kind[]>>;

/** An argument of a call. */
export interface Argument {
  /** One that would do. */
  readonly good: unknown;
  /** Kinds of values of which all would do. */
  readonly also: readonly Kind[];
  /** The options in it. */
  readonly options?: Kinds;
}

/** A call with its arguments; or why it has none that could be wrong. */
export type Call = readonly Argument[] | string;

/** The methods of an object by their names: all that it has. */
export interface Methods {
  readonly of: (vm: Vm) => object;
  readonly calls: Readonly<Record<string, Call>>;
}

const NONE = 'has no arguments';
const OWN = 'is for hartvisor itself, or for hosts of machines';

const TEXT: readonly Kind[] = ['text', 'long', 'zero'];
const WORD: readonly Kind[] = ['text', 'long'];
const SOURCE: readonly Kind[] = [...TEXT, 'bytes'];
const NUMBER: readonly Kind[] = ['number'];
const ANY_NUMBER: readonly Kind[] = ['number', 'fraction', 'infinite', 'negative'];
const SWITCH: readonly Kind[] = ['switch'];
const LISTENER: readonly Kind[] = ['function'];
const NEVER: readonly Kind[] = [];

const text: Argument = { good: 'x', also: TEXT };
const path: Argument = { good: '/a', also: WORD };
const port: Argument = { good: 80, also: NUMBER };
const data: Argument = { good: 'x', also: SOURCE };
const command: Argument = { good: 'true', also: WORD };
const bytes: Argument = { good: new Uint8Array(4), also: ['bytes'] };

/** Options that may be left out. */
function options(names: Kinds): Argument {
  return { good: {}, also: ['missing', 'empty'], options: names };
}

/** Options of which some have to be there. */
function parts(good: object, names: Kinds): Argument {
  return { good, also: [], options: names };
}

const abortable = options({ signal: NEVER });
const PROGRAM: Kinds = { cwd: WORD, env: ['empty', 'object'], user: [...WORD, 'number'], signal: NEVER };
const READING: Kinds = { offset: NUMBER, length: NUMBER, signal: NEVER };
const READING_ALL: Kinds = { ...READING, maxBytes: ['number', 'fraction', 'infinite'] };
const RESTORING: Kinds = {
  ...{
    threads: ANY_NUMBER,
    disk: TEXT,
    share: ['empty', 'object'],
    network: ['switch', 'empty'],
    limits: ['empty'],
  },
  ...{ engine: TEXT, trace: [...TEXT, 'switch'], signal: NEVER, onNotice: LISTENER, onProgress: LISTENER },
};
const terminal = options({ ...PROGRAM, cols: NUMBER, rows: NUMBER, command: WORD });

/** The objects of a `Vm`. */
export const OBJECTS: Readonly<Record<string, Methods>> = {
  Vm: {
    of: (vm) => vm,
    calls: {
      terminal: [terminal],
      fetch: [port, { good: new Request('http://guest/'), also: NEVER }],
      interrupts: [options({ limit: NUMBER })],
      save: [text],
      fork: [options(RESTORING)],
      ...{ stats: NONE, moments: NONE, pause: NONE, resume: NONE, debug: NONE, snapshot: NONE, stop: NONE },
    },
  },
  Commands: {
    of: (vm) => vm.commands,
    calls: {
      run: [
        command,
        options({
          ...PROGRAM,
          stdin: SOURCE,
          timeoutMs: ['number', 'fraction'],
          maxOutputBytes: ['number', 'fraction', 'infinite'],
          onStdout: LISTENER,
          onStderr: LISTENER,
        }),
      ],
      start: [command, options(PROGRAM)],
    },
  },
  Files: {
    of: (vm) => vm.files,
    calls: {
      read: [path, options(READING_ALL)],
      readText: [path, options(READING_ALL)],
      stream: [path, options(READING)],
      write: [path, data, options({ mode: NUMBER, how: NEVER, signal: NEVER })],
      list: [path, abortable],
      stat: [path, options({ follow: SWITCH, signal: NEVER })],
      exists: [path, abortable],
      remove: [path, options({ recursive: SWITCH, force: SWITCH, signal: NEVER })],
      mkdir: [path, options({ recursive: SWITCH, mode: NUMBER, signal: NEVER })],
      rename: [path, path, abortable],
      symlink: [path, path, abortable],
      chmod: [path, { good: 0o644, also: NUMBER }, abortable],
      upload: [path, path, abortable],
      download: [path, path, abortable],
      watch: [path, options({ recursive: SWITCH, signal: NEVER })],
    },
  },
  VmConsole: {
    of: (vm) => vm.console,
    calls: { write: [data], waitFor: [text, abortable], backend: OWN, attach: OWN, end: OWN },
  },
  VmPorts: {
    of: (vm) => vm.ports,
    calls: { forward: [port, options({ host: TEXT, port: NUMBER })], close: OWN },
  },
  GuestAgent: { of: (vm) => vm.agent, calls: { terminal: [terminal], tcp: [port, abortable] } },
  GuestSystem: {
    of: (vm) => vm.agent.system,
    calls: {
      setTime: [{ good: 0, also: ['number', 'fraction'] }],
      addEntropy: [bytes],
      setHostname: [path],
      goOn: NONE,
    },
  },
  Machine: {
    of: (vm) => vm.machine,
    calls: {
      interrupts: [options({ limit: NUMBER })],
      moments: [options({ limit: NUMBER })],
      ...{
        start: NONE,
        pause: NONE,
        resume: NONE,
        stop: NONE,
        stats: NONE,
        regionStats: NONE,
        debug: NONE,
      },
      ...{ input: OWN, save: OWN, fork: OWN },
    },
  },
};

const drives: Argument = { good: [], also: NEVER };
const NETWORK: Kinds = { subnet: NEVER, gateway: NUMBER, nameServer: NUMBER, guest: NUMBER };
const USER_NETWORK: Kinds = {
  ...NETWORK,
  hostName: TEXT,
  domainName: TEXT,
  restrict: SWITCH,
  allow: NEVER,
};

/** The functions of the package. */
export const FUNCTIONS: Methods = {
  of: () => hartvisor,
  calls: {
    boot: [
      options({
        ...{ cpus: ANY_NUMBER, cpu: TEXT, memory: [...TEXT, ...ANY_NUMBER], guest: NEVER, append: WORD },
        ...{ kernel: SOURCE, initrd: SOURCE, balloon: SWITCH, virtio: TEXT, aia: TEXT, protocol: TEXT },
        ...RESTORING,
      }),
    ],
    restore: [text, options(RESTORING)],
    initramfs: [
      parts(
        { busybox: new Uint8Array(1) },
        { busybox: ['bytes'], run: TEXT, extraFiles: NEVER, setUp: TEXT },
      ),
    ],
    readElf: [bytes],
    readKernel: [bytes],
    userNetwork: [options(USER_NETWORK)],
    parseRule: [text],
    debianGuest: [options({ cacheDir: TEXT, onProgress: LISTENER, archives: TEXT, signal: NEVER })],
    connectDrives: [drives],
    openDrives: [drives],
    openShares: [drives],
    openTrace: [text, { good: undefined, also: ['missing', ...TEXT] }],
    prepareNetwork: [
      parts(
        { ...hartvisor.userNetwork(), mac: hartvisor.DEFAULT_MAC, forwards: [] },
        { ...USER_NETWORK, mac: NUMBER, forwards: NEVER, dump: TEXT },
      ),
    ],
    prepareLink: [
      parts(
        { listens: true, host: '127.0.0.1', port: 1, mac: hartvisor.DEFAULT_MAC },
        { mac: NUMBER, dump: TEXT, listens: SWITCH, host: TEXT, port: NUMBER },
      ),
    ],
  },
};

/** Functions of classes. */
export const STATIC: Methods = {
  of: () => GdbServer,
  calls: {
    open: [
      parts({ host: '127.0.0.1', port: 0 }, { host: TEXT, port: NUMBER }),
      text,
      { good: { readRegister: () => undefined }, also: NEVER },
      { good: () => undefined, also: LISTENER },
    ],
  },
};

const MACHINE: Kinds = {
  ...{ kind: NEVER, vcpus: ANY_NUMBER, pcpus: ANY_NUMBER, protocol: TEXT, kernel: NEVER, initrd: ['bytes'] },
  ...{ bootArgs: TEXT, memoryBytes: ANY_NUMBER, aia: NEVER, cpuLimit: ANY_NUMBER, debug: SWITCH },
  ...{ xlen: NEVER, extensions: NEVER, engine: NEVER, detachFiles: SWITCH, trace: ['empty'] },
  ...{
    drives: NEVER,
    network: NEVER,
    shares: NEVER,
    ports: NEVER,
    vsock: NEVER,
    balloon: SWITCH,
    virtio: NEVER,
  },
};
const KERNEL = { kind: 'raw', bytes: new Uint8Array(4), textOffset: 0, memorySize: 4 } as const;
const A_MACHINE = {
  ...{ kind: 'domain', vcpus: 1, pcpus: 1, protocol: 'take-mirror', kernel: KERNEL },
  ...{ bootArgs: '', memoryBytes: 1 << 24 },
};
const A_CONSOLE = { output: () => undefined };

/** The objects that programs make themselves. */
export const CONSTRUCTORS: Methods = {
  of: () => ({
    Machine: (...given: unknown[]) => Reflect.construct(hartvisor.Machine, given),
    NodeHost: (...given: unknown[]) => Reflect.construct(hartvisor.NodeHost, given),
  }),
  calls: {
    Machine: [
      parts(A_MACHINE, MACHINE),
      { good: new hartvisor.NodeHost(), also: NEVER },
      parts({ console: A_CONSOLE }, { console: NEVER, ports: NEVER, vsock: NEVER, onNotice: LISTENER }),
    ],
    NodeHost: [options({ background: SWITCH })],
  },
};

const LINE: Kinds = { name: TEXT, index: NUMBER };

/** The functions of `hartvisor/verify`. */
export const VERIFY: Methods = {
  of: () => verify,
  calls: {
    vcpu: [
      options({
        ...{ idle: NEVER, selfSends: NUMBER, selfIrq: NUMBER, exits: SWITCH, sync: NEVER, migrates: NEVER },
        ...{ timers: NUMBER, reprograms: SWITCH, timer: NEVER, acknowledges: SWITCH, start: NEVER },
        ...{ restored: SWITCH, sleeps: NEVER, pages: SWITCH, file: ['empty'] },
      }),
    ],
    sender: [options({ name: TEXT, count: NUMBER, irq: NUMBER, mail: SWITCH })],
    device: [options({ name: TEXT, irq: NUMBER, script: NEVER, fall: NEVER, acknowledged: SWITCH })],
    sharingDevice: [parts({ name: 'D', index: 0 }, { ...LINE, script: NEVER, level: NEVER })],
    messenger: [options({ name: TEXT, sends: NEVER, anyNumber: SWITCH, mail: SWITCH })],
    wired: [parts({ name: 'D', index: 0 }, { ...LINE, identity: NUMBER })],
    fencer: [options({ name: TEXT, looksAgain: ['switch', 'number'], asksLate: SWITCH })],
    clock: NONE,
    scenario: [
      parts(
        { name: 'x', title: 'x', about: 'x', group: 'default', threads: [() => undefined] },
        {
          ...{ name: TEXT, title: TEXT, about: TEXT, group: TEXT, threads: NEVER, mustRest: SWITCH },
          ...{
            identities: NEVER,
            interrupts: ['empty'],
          },
        },
      ),
    ],
    protocolByName: 'has a RangeError of its own: its room imports nothing',
  },
};

// Its types are those of pages.
const { disks }: { readonly disks: object } = await import(
  new URL('../../src/web/drives/disks.ts', import.meta.url).href
);
const disk: Argument = { good: 'home', also: TEXT };

/** The disks that a browser keeps. */
export const DISKS: Methods = {
  of: () => disks,
  calls: {
    create: [disk, { good: 4096, also: [...TEXT, ...ANY_NUMBER] }],
    import: [disk, { good: new Blob(['x']), also: NEVER }],
    export: [disk],
    remove: [disk],
    list: NONE,
  },
};
