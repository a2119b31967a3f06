/** Two guests, each in a page of its own: ours, and that of v86. Bundled beside the built package. */
import { V86 } from 'v86';
import { boot } from '../../../src/web/index.ts';

/** A guest whose program does what its console asks for (`guest/main.c`). */
interface Guest {
  send(line: string): void;
  /** The next line of its console that begins with this. */
  line(begin: string): Promise<string>;
}

/** Lines of a console, for one who waits for one after the other. */
class Lines {
  #rest = '';
  #waiting: { readonly begin: string; resolve(line: string): void } | undefined;

  add(text: string): void {
    const lines = `${this.#rest}${text}`.split(/\r*\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith(this.#waiting?.begin ?? '\n')) this.#waiting?.resolve(line);
  }

  next(begin: string): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting = { begin, resolve };
    });
  }
}

async function startOurs(): Promise<Guest> {
  const vm = await boot({ cpus: 1, memory: '256M', kernel: 'guest/kernel', initrd: 'guest/works' });
  const lines = new Lines();
  const decoder = new TextDecoder();
  void vm.console.output.pipeTo(
    new WritableStream({ write: (bytes: Uint8Array) => lines.add(decoder.decode(bytes, { stream: true })) }),
  );
  return { send: (line) => void vm.console.write(line), line: (begin) => lines.next(begin) };
}

async function startV86(): Promise<Guest> {
  const lines = new Lines();
  const machine = new V86({
    ...{ wasm_path: 'v86.wasm', memory_size: 2 ** 28, vga_memory_size: 2 ** 21 },
    ...{ bios: { url: 'pc/bios' }, vga_bios: { url: 'pc/vga-bios' } },
    ...{ bzimage: { url: 'pc/kernel' }, initrd: { url: 'pc/works' }, cmdline: 'console=ttyS0' },
    ...{ autostart: true, disable_keyboard: true, disable_mouse: true, disable_speaker: true },
  });
  machine.add_listener('serial0-output-byte', (byte: number) => lines.add(String.fromCharCode(byte)));
  return { send: (line) => machine.serial0_send(line), line: (begin) => lines.next(begin) };
}

let guest: Guest;

/** @returns seconds until its program runs */
async function start(kind: string): Promise<number> {
  const begin = performance.now();
  guest = await (kind === 'v86' ? startV86() : startOurs());
  await guest.line('ready');
  return (performance.now() - begin) / 1000;
}

/** @returns seconds that a work took, so often, and its checksum */
async function work(order: string) {
  const [name] = order.split(' ');
  const begin = performance.now();
  const answer = guest.line(`end ${name} `);
  guest.send(`${order}\n`);
  const sum = (await answer).slice(`end ${name} `.length);
  return { seconds: (performance.now() - begin) / 1000, sum };
}

Object.assign(globalThis, { checks: { start, work } });
