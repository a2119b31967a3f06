import {
  BYTES,
  checkArgument,
  either,
  listOf,
  type OptionRules,
  optionsOf,
  TEXT,
  whole,
} from '../errors/arguments.ts';
import { type CpioEntry, withParentDirectories, writeCpio } from './cpio.ts';

/** The first line that userspace of {@link initramfs} prints. Boot measurements and tests wait for it. */
export const greeting = 'hartvisor: userspace is up';

/** If this file is in the initramfs, it runs in place of the interactive shell and the guest then powers off. */
export const runScriptPath = 'etc/hartvisor/run';

const sessionPath = 'etc/hartvisor/session';
const setUpPath = 'etc/hartvisor/set-up';

/** A file to be placed in the initramfs beside its own. The path has no leading slash. */
export interface ExtraFile {
  readonly path: string;
  readonly data: Uint8Array | string;
  /** Permission bits, 0644 by default. */
  readonly mode?: number;
}

/** The parts that {@link initramfs} puts together. */
export interface InitramfsOptions {
  /** A statically linked busybox for the guest: there is no C library beside it. */
  readonly busybox: Uint8Array;
  /** A shell script that runs in place of the interactive shell; the guest then powers off. */
  readonly run?: string;
  readonly extraFiles?: readonly ExtraFile[];
  /** Commands of a shell that run before the interactive shell, or that script, begins. */
  readonly setUp?: string;
}

const EXTRA_FILE: OptionRules<ExtraFile> = {
  path: TEXT,
  data: either(TEXT, BYTES),
  mode: whole(0, 0o7777),
};
const OPTIONS: OptionRules<InitramfsOptions> = {
  busybox: BYTES,
  run: TEXT,
  extraFiles: listOf(optionsOf(EXTRA_FILE, 'a file', ['path', 'data']), 'a list of files'),
  setUp: TEXT,
};
const PARTS = optionsOf(OPTIONS, 'an object with a `busybox`', ['busybox']);

/*
 * The kernel starts /init with /dev/console open. It stays process 1, so it must not end: a panic would follow.
 *
 * busybox's shell prefers its own applets to programs in PATH, and its `poweroff`, `reboot` and `halt` send a signal
 * to process 1, as busybox's init expects it. Traps answer those signals here. A trap runs only between commands or
 * within `wait`, so the session may not be a foreground command; and a background job of a script has SIGINT
 * ignored for good, which would take Ctrl-C from the session. start-stop-daemon gives a process with neither defect.
 *
 * The session's end is announced with SIGPWR: a shell that has several signals to answer takes the lowest number first,
 * so that a `reboot` as a script's last command wins over the end of the script.
 */
const initScript = `#!/bin/sh
echo '${greeting}'
export PATH=/bin HOME=/root TERM="\${TERM:-linux}"
end() {
  trap '' TERM USR1 USR2 PWR
  sync
  # Setting the terminal waits until its output is out; what is still queued at power-off would be lost.
  stty sane < /dev/console
  "$1" -f
}
trap 'end halt' USR1
trap 'end poweroff' USR2 PWR
trap 'end reboot' TERM
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# Huge pages where a file covers them, of kernels that have such.
mount -t tmpfs -o huge=within_size tmpfs /tmp 2> /dev/null || mount -t tmpfs tmpfs /tmp
mkdir /dev/pts
mount -t devpts devpts /dev/pts
/bin/busybox --install -s /bin
hostname hartvisor
# Warnings and worse still reach the console; chatter does not land in the middle of a typed line.
dmesg -n 5
[ -e /${setUpPath} ] && sh /${setUpPath}
start-stop-daemon -S -b -x /${sessionPath}
while :; do
  sleep 86400 &
  wait $!
done
`;

/*
 * `cttyhack` finds the real terminal behind the console and makes it the controlling one, which job control and
 * Ctrl-C need; `setsid` makes the session that it may control.
 *
 * The end of a session hangs up its terminal, and output queued for it is lost: so the last thing a session does is to
 * set the terminal, which waits for the queue to drain.
 *
 * The command to run comes from the file below /etc/hartvisor, or from hartvisor.run="..." on the kernel's command
 * line. A word such as COLUMNS=100 there reaches this environment: the kernel passes on words that it does not know.
 */
const sessionScript = `#!/bin/sh
run=/${runScriptPath}
if [ ! -e "$run" ] && grep -q 'hartvisor\\.run=' /proc/cmdline; then
  run=/tmp/run
  sed 's/.*hartvisor\\.run=//; t quoted; :quoted; s/^"\\([^"]*\\)".*/\\1/; t; s/ .*//' /proc/cmdline > "$run"
fi
cd /root
if [ -e "$run" ]; then
  setsid cttyhack sh -c 'sh "$0"; echo "hartvisor: run ended with status $?"; stty sane' "$run"
else
  export PS1='\\w # '
  setsid cttyhack sh -c '[ -n "$COLUMNS" ] && stty cols "$COLUMNS" rows "\${LINES:-24}"; sh -l; (trap "" TTOU; stty sane)'
fi
kill -PWR 1
`;

/** Those that Debian has under these names and numbers. */
const USERS = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n';
const GROUPS = 'root:x:0:\nnogroup:x:65534:\n';

const text = (content: string) => new TextEncoder().encode(content);

/**
 * Builds a root file system around a static busybox, as an uncompressed newc archive: unpacking gzip would cost the
 * guest instructions and saves nothing here.
 *
 * Its /init prints {@link greeting} first, then gives an interactive shell with job control on the console.
 * `poweroff`, `reboot` and `halt` are plain commands; leaving the shell powers the guest off.
 *
 * @throws InputError for options that cannot be
 */
export function initramfs(options: InitramfsOptions): Uint8Array<ArrayBuffer> {
  checkArgument('options', options, PARTS);
  const entries: CpioEntry[] = [
    // The kernel mounts devtmpfs only over a real root file system, and opens /dev/console before /init runs.
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'character-device', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
    ...['proc', 'sys', 'tmp', 'root', 'mnt'].map((path): CpioEntry => {
      return { kind: 'directory', path, mode: 0o755 };
    }),
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: options.busybox },
    // The commands that /init needs before it installs the rest.
    ...['sh', 'mount', 'mkdir'].map((applet): CpioEntry => {
      return { kind: 'symlink', path: `bin/${applet}`, target: 'busybox' };
    }),
    { kind: 'file', path: 'etc/passwd', mode: 0o644, data: text(USERS) },
    { kind: 'file', path: 'etc/group', mode: 0o644, data: text(GROUPS) },
    { kind: 'file', path: sessionPath, mode: 0o755, data: text(sessionScript) },
    { kind: 'file', path: 'init', mode: 0o755, data: text(initScript) },
  ];
  for (const file of allExtraFiles(options)) {
    const data = typeof file.data === 'string' ? text(file.data) : file.data;
    entries.push({ kind: 'file', path: file.path, mode: file.mode ?? 0o644, data });
  }
  return writeCpio(withParentDirectories(entries));
}

function allExtraFiles(options: InitramfsOptions): readonly ExtraFile[] {
  const { extraFiles = [], run, setUp } = options;
  return [
    ...extraFiles,
    ...(setUp === undefined ? [] : [{ path: setUpPath, data: setUp }]),
    ...(run === undefined ? [] : [{ path: runScriptPath, data: run, mode: 0o755 }]),
  ];
}
