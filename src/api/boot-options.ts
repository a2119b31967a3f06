import type { DomainAia, VirtioTransportName } from '../devices/descriptor.ts';
import type { Engine } from '../machine/engine.ts';

/** Guests that hartvisor brings. */
export type GuestName = 'busybox' | 'debian' | 'tick';

/** A disk of a machine. */
export interface VmDisk {
  /** A file, or a URL of a server that gives parts of files. */
  readonly file: string;
  /** The format of the file; found by its contents unless it is given. */
  readonly format?: 'raw' | 'qcow2';
  /** The guest cannot write to it. */
  readonly readOnly?: boolean;
  /** With `true`, writes of the guest go to a temporary file, and are gone with the machine. */
  readonly snapshot?: boolean;
  /** For the guest, up to 20 bytes; the name of the file unless it is given. */
  readonly serial?: string;
}

/** A folder of the host in a guest. */
export interface VmShare {
  readonly folder: string;
  /** The guest changes nothing in it. */
  readonly readOnly?: boolean;
}

/** A port of the host that leads to one of the guest. */
export interface VmForward {
  readonly protocol?: 'tcp' | 'udp';
  /** An IPv4 address of the host: 127.0.0.1 unless it is given. */
  readonly host?: string;
  /** Of the host: one that is free, unless it is given. */
  readonly port?: number;
  readonly guestPort: number;
}

/** A port of the host that leads to one of the guest, with all that was left open. */
export type ForwardedPort = Required<VmForward>;

/** The network of a machine, and whom its guest may reach. */
export interface VmNetwork {
  /**
   * Whom the guest may reach, and nobody else: names (`example.org`, `*.example.org:443`), addresses (`10.1.0.0/16`,
   * `127.0.0.1:8000-8010`) or ports (`:443`). Left out, it reaches all public addresses, but none of the host's own or
   * of private networks.
   */
  readonly allow?: readonly string[];
  readonly forward?: readonly VmForward[];
  /** A file for all frames, in libpcap's format. */
  readonly dump?: string;
  /**
   * The way out of a page, which has no network of its own (docs/web.md): `fetch`,
   * `wisps://SERVER/`, `wss://SERVER/` or `link:NAME`. In Node it is left out.
   */
  readonly via?: string;
}

/** Bounds that no guest can pass. */
export interface Limits {
  /** Seconds of the host's time from the start, after which the machine is ended. */
  readonly seconds?: number;
  /** Processors of the host that the vCPUs may take together, such as 0.5. The time of devices comes on top. */
  readonly cpus?: number;
  /**
   * Processes and threads at once, beside the kernel's own, in the guest `busybox`. The guest's kernel sees to that: it
   * holds for programs without the rights of root, and for those with them as long as they do not change it.
   */
  readonly processes?: number;
}

/** How far the way to a guest has come: files are fetched the first time. */
export interface BootProgress {
  readonly message: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
}

/** Options of `boot`. */
export interface BootOptions {
  /** Virtual processors: 1 to 64, 2 unless it is given. */
  readonly cpus?: number;
  /**
   * The harts, in QEMU's words: `rv64` unless it is given, `rv32`, or a profile such as `rva22s64`; behind it
   * extensions to have or to leave out, as in `'rv64,zba=false'`.
   */
  readonly cpu?: string;
  /** Threads of the host that run them: 1 to `cpus`, as many as the host has processors unless it is given. */
  readonly threads?: number;
  /** Guest RAM, in bytes or as `'512M'`, the default. */
  readonly memory?: number | string;
  /** `busybox` unless it, or a kernel, is given. */
  readonly guest?: GuestName;
  /** A Linux kernel: its file, or its contents. */
  readonly kernel?: string | Uint8Array<ArrayBuffer>;
  /** The initial file system for a kernel: its file, or its contents. */
  readonly initrd?: string | Uint8Array<ArrayBuffer>;
  /** Words for the kernel's command line. */
  readonly append?: string;
  /** A kernel is looked for on the first disk, if none is given. */
  readonly disk?: string | VmDisk | readonly (string | VmDisk)[];
  /**
   * Folders of the host by the path at which they are in the guest. The guest `busybox` mounts them there; others find
   * them by tags, `share0` and so on, in this order.
   */
  readonly share?: Readonly<Record<string, string | VmShare>>;
  /** None unless it is given; `true` is one without rules. */
  readonly network?: boolean | VmNetwork;
  /** The guest tells which memory it does without, and can be asked for some: `machine.balloon`. */
  readonly balloon?: boolean;
  readonly limits?: Limits;
  /** How virtio devices are reached: `pci` unless it is given. */
  readonly virtio?: VirtioTransportName;
  /** How external interrupts reach the vCPUs: by the PLIC (`none`) unless it is given. */
  readonly aia?: DomainAia;
  /**
   * The protocol for pending interrupts: `take-mirror` unless it is given. A URL is that of a module with a protocol of
   * your own, as `hartvisor verify --file` takes it; behind a `#` is its name, if the module has several.
   */
  readonly protocol?: string | URL;
  readonly engine?: Engine;
  /** Ends the machine, also while it is being made. */
  readonly signal?: AbortSignal;
  /** Is told of files that are fetched. */
  readonly onProgress?: (progress: BootProgress) => void;
  /** Records the machine's events: for `vm.interrupts`, and into a file for Perfetto where one is given. */
  readonly trace?: boolean | string;
  /** Something that a person should know. */
  readonly onNotice?: (text: string) => void;
}
