import type { ExtraFile } from '../../../boot/initramfs.ts';
import { TREES_PATH } from './second-stage.ts';

/** Properties of a new system. */
export interface SystemOptions {
  readonly hostname: string;
  /** Of its root file system. */
  readonly uuid: string;
  /** Lines of `authorized_keys`. */
  readonly sshKeys: readonly string[];
  /** A file of `sources.list.d/`. */
  readonly aptSources: string;
  /** Lines of an apt configuration. */
  readonly aptSettings: string;
  /** The program of the guest's agent. */
  readonly agent: Uint8Array;
}

/** A file of the system, without a slash in front. */
type SystemFile = readonly [path: string, content: string | Uint8Array, mode?: number];

/** Units of systemd that are started, and those that are not: a guest that was just started has nothing to tidy up. */
export const UNITS = {
  enable: ['systemd-networkd', 'systemd-resolved', 'ssh-host-keys', 'shared-folders', 'hartvisor-agent'],
  disable: ['apt-daily.timer', 'apt-daily-upgrade.timer', 'e2scrub_all.timer', 'getty@.service'],
} as const;

/*
 * Most of a kernel package is drivers. Those of hardware that no virtual machine has are left out, here and when a
 * later kernel is installed: they take 60 % of its size, and of the minutes that depmod needs to look at them all.
 */
const unusedModules = `# Drivers of hardware that a virtual machine does not have are not unpacked. Without this file they are, by
# apt install --reinstall of the kernel's package.
${[
  'gpu',
  'media',
  'iio',
  'infiniband',
  'net/wireless',
  'net/ethernet',
  'net/can',
  'staging',
  'hwmon',
  'mmc',
  'mtd',
]
  .map((directory) => `path-exclude=*/kernel/drivers/${directory}/*\n`)
  .join('')}path-include=*/kernel/drivers/net/ethernet/intel/e1000*
${['sound', 'drivers/bluetooth', 'net/bluetooth', 'net/wireless', 'net/mac80211', 'net/can', 'net/nfc']
  .map((directory) => `path-exclude=*/kernel/${directory}/*\n`)
  .join('')}`;

/** Before the packages are installed: their scripts look at these files. */
function before({ hostname, uuid }: SystemOptions): readonly SystemFile[] {
  return [
    // growfs: a disk that was made larger is used as a whole from its next start on.
    ['etc/fstab', `UUID=${uuid} / ext4 errors=remount-ro,x-systemd.growfs 0 1\n`],
    ['etc/hostname', `${hostname}\n`],
    ['etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost ip6-localhost ip6-loopback\n`],
    ['etc/default/locale', 'LANG=C.UTF-8\n'],
    ['etc/locale.conf', 'LANG=C.UTF-8\n'],
    ['etc/dpkg/dpkg.cfg.d/90hartvisor-modules', unusedModules],
    // An initrd with the drivers of every disk that a virtual machine has, which is a sixth of one with all drivers.
    ['etc/initramfs-tools/conf.d/hartvisor', 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=3\n'],
    [
      'usr/share/initramfs-tools/modules.d/hartvisor',
      'ext4\nvirtio_blk\nvirtio_mmio\nvirtio_scsi\nsd_mod\nnvme\n',
    ],
    // openssh-server makes no keys where there are some. Those of each copy of the image are made at its first start.
    ...['rsa', 'ecdsa', 'ed25519'].map((kind): SystemFile => [`etc/ssh/ssh_host_${kind}_key`, '']),
  ];
}

const network = `[Match]
Type=ether

[Network]
DHCP=ipv4
IPv6AcceptRA=yes

[DHCPv4]
UseDomains=yes
`;

const hostKeys = `[Unit]
Description=SSH keys of this host
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -f /etc/ssh/ssh_host_ecdsa_key

[Install]
WantedBy=multi-user.target
`;

/** Linux tells the tags of the machine's folders; a folder is where the shell of `npm start` has it, too. */
const mountFolders = `#!/bin/sh
for file in /sys/fs/virtiofs/*/tag; do
  tag=$(cat "$file") || continue
  case "$tag" in '' | . | .. | */*) continue ;; esac
  mountpoint -q "/mnt/$tag" && continue
  mkdir -p "/mnt/$tag" && mount -t virtiofs "$tag" "/mnt/$tag"
done
`;

const folders = `[Unit]
Description=Shared folders of the host
ConditionPathExistsGlob=/sys/fs/virtiofs/*/tag
Before=getty.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/mount-shared-folders

[Install]
WantedBy=multi-user.target
`;

/** docs/agent.md has the same: 3 is the status of an agent that finds no port for it. */
const agentUnit = `[Unit]
Description=Agent of hartvisor
ConditionPathExistsGlob=/sys/class/virtio-ports/*

[Service]
ExecStart=/usr/local/bin/hartvisor-agent
Restart=on-failure
SuccessExitStatus=3
KillMode=process

[Install]
WantedBy=multi-user.target
`;

/** The console belongs to the person at the machine. */
const autologin = `[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noreset --noclear --keep-baud 115200,57600,38400,9600 - $TERM
`;

/** After the packages are installed. */
function after({ sshKeys, aptSources, aptSettings, agent }: SystemOptions): readonly SystemFile[] {
  return [
    ['etc/apt/sources.list.d/debian.sources', aptSources],
    // Long descriptions are as much as all else of an index, and most of the time of `apt update` in a guest.
    ['etc/apt/apt.conf.d/90no-translations', 'Acquire::Languages "none";\n'],
    ...(aptSettings === '' ? [] : [['etc/apt/apt.conf.d/90host-network', aptSettings] as const]),
    ['etc/systemd/network/80-ethernet.network', network],
    ['etc/systemd/system/ssh-host-keys.service', hostKeys],
    ['etc/systemd/system/shared-folders.service', folders],
    ['usr/local/sbin/mount-shared-folders', mountFolders, 0o755],
    ['etc/systemd/system/hartvisor-agent.service', agentUnit],
    ['usr/local/bin/hartvisor-agent', agent, 0o755],
    ['etc/systemd/system/serial-getty@.service.d/autologin.conf', autologin],
    // Nothing waits longer than this for a network that is not there.
    [
      'etc/systemd/system/systemd-networkd-wait-online.service.d/patience.conf',
      '[Service]\nExecStart=\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=20\n',
    ],
    ...(sshKeys.length === 0
      ? []
      : [['root/.ssh/authorized_keys', sshKeys.map((line) => `${line}\n`).join(''), 0o600] as const]),
  ];
}

/** The files of a system that no package brings, where the guest that makes it looks for them. */
export function systemFiles(options: SystemOptions): readonly ExtraFile[] {
  const trees = { before: before(options), after: after(options) };
  return Object.entries(trees).flatMap(([tree, files]) =>
    files.map(([path, data, mode]) => ({
      path: `${TREES_PATH}/${tree}/${path}`,
      data,
      ...(mode === undefined ? {} : { mode }),
    })),
  );
}

/** Packages that a system has beside those of priority `required`, unless it is asked for more. */
export const USUAL_PACKAGES: readonly string[] = [
  ...[
    'apt',
    'debian-archive-keyring',
    'ca-certificates',
    'systemd-sysv',
    'systemd-resolved',
    'libpam-systemd',
  ],
  ...['udev', 'dbus', 'kmod', 'procps', 'e2fsprogs', 'iproute2', 'iputils-ping', 'netbase', 'openssh-server'],
  ...['less', 'nano', 'bash-completion', 'initramfs-tools', 'zstd', 'u-boot-menu', 'linux-image-riscv64'],
];
