/** Where the guest that makes an image finds its files: see `src/boot/initramfs.ts`. */
export const LISTS_PATH = 'etc/hartvisor/packages';
/** Trees of files that are copied into the new system before its packages are installed, and after. */
export const TREES_PATH = 'etc/hartvisor/trees';

/** A line that tells the host of a step begins with this word, one of dpkg's or apt's progress as they write it. */
export const STEP_WORD = 'hartvisor-step:';
/** Steps in their order. */
export const STEPS = ['format', 'unpack', 'essential', 'install', 'settle'] as const;
export type Step = (typeof STEPS)[number];

/**
 * A line that begins with this word and goes on with a number says that so many stages are whole, and on the disk. The
 * guest does nothing until a line is typed.
 */
export const KEEP_WORD = 'hartvisor-keep:';
/** Stages before the portions of packages. */
export const STAGES_BEFORE = 2;

/** The last line of a guest that has come to its end. */
export const COMPLETE = 'hartvisor: the image is complete';

/** Differences between images. */
export interface SecondStageOptions {
  /** Of the file system, as `uuidgen` gives one. */
  readonly uuid: string;
  /** Portions of packages that are installed one after the other: lists of the names `install-1` and so on. */
  readonly portions: number;
  /** Stages that are on the disk already. */
  readonly done: number;
  /** Units of systemd. */
  readonly enable: readonly string[];
  readonly disable: readonly string[];
}

/*
 * How mmdebstrap does it: the packages without which none can be installed are unpacked by tar, then installed by their
 * own dpkg, and the rest by their own apt. barrier=0 and --force-unsafe-io: an image that is not complete is thrown
 * away, back to the end of a stage, where it is on the disk as a whole.
 */
const script = `set -e -o pipefail
step() { echo '${STEP_WORD}' "$@"; }
unpack() { ar p /packages/"$1" data.tar | tar -x -f - -C "$2"; }
enter() {
  mount -t ext4 -o noatime,barrier=0 /dev/vda /target
  mount -t proc proc /target/proc
  mount -t sysfs sysfs /target/sys
  mount --bind /dev /target/dev
  mount --bind /dev/pts /target/dev/pts
  mount -t tmpfs tmpfs /target/run
  mkdir /target/run/packages
  mount --bind /packages /target/run/packages
}
leave() {
  # A process that a package's script left behind would hold the file system.
  for process in /proc/[0-9]*; do
    while [ "$(readlink "$process"/root)" = /target ]; do kill -9 "\${process#/proc/}" || true; done
  done
  umount /target/run/packages /target/run /target/dev/pts /target/dev /target/sys /target/proc
  umount /target
  # A file system without barriers has not told the disk to keep anything.
  dd if=/dev/null of=/dev/vda conv=fsync,notrunc 2> /dev/null
}
whole() { leave; echo '${KEEP_WORD}' "$1"; read -r answer; enter; }
# Programs that look at their terminal would change it, or be stopped by it: they have none. Progress goes to a place of
# its own, which dpkg closes for the scripts that it starts.
in_target() { chroot /target /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb \\
  DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true "$@" < /dev/null 2>&1 3>&1 | cat; }

mkdir /packages /tools /target
mount -t iso9660 -o ro,norock,nojoliet /dev/vdb /packages

if [ "$DONE" -lt 1 ]; then
  step format
  mount -t tmpfs -o size=50% tmpfs /tools
  while read file; do unpack "$file" /tools; done < /${LISTS_PATH}/tools
  [ -e /tools/lib ] || ln -s usr/lib /tools/lib
  mkdir -p /tools/dev
  mount --bind /dev /tools/dev
  chroot /tools /usr/sbin/mke2fs -q -F -t ext4 -L debian -U "$UUID" -E lazy_itable_init=1,lazy_journal_init=1 /dev/vda
  umount /tools/dev /tools
  mount -t ext4 -o noatime,barrier=0 /dev/vda /target

  step unpack
  while read file; do unpack "$file" /target; done < /${LISTS_PATH}/essential
  cp -a /${TREES_PATH}/before/. /target/
  : > /target/var/lib/dpkg/status
  : > /target/var/lib/dpkg/available
  printf '#!/bin/sh\\nexit 101\\n' > /target/usr/sbin/policy-rc.d
  chmod 755 /target/usr/sbin/policy-rc.d
  umount /target
  enter
  whole 1
else
  enter
fi

if [ "$DONE" -lt 2 ]; then
  step essential
  in_target sh -c 'cd /run/packages && exec dpkg --status-fd 3 --force-depends --force-unsafe-io --install "$@"' \\
    dpkg $(cat /${LISTS_PATH}/essential)
  whole 2
fi

portion=1
while [ "$portion" -le "$PORTIONS" ]; do
  if [ "$DONE" -lt $((portion + ${STAGES_BEFORE})) ]; then
    step install "$portion"
    in_target sh -c 'cd /run/packages && exec apt-get -q -y --no-install-recommends \\
      -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io install "$@"' \\
      apt-get $(sed 's|^|./|' /${LISTS_PATH}/install-$portion)
    whole $((portion + ${STAGES_BEFORE}))
  fi
  portion=$((portion + 1))
done

step settle
in_target apt-mark auto $(cat /${LISTS_PATH}/auto) > /dev/null
in_target apt-get clean
cp -a /${TREES_PATH}/after/. /target/
[ -z "$ENABLE" ] || in_target systemctl -q enable $ENABLE
[ -z "$DISABLE" ] || in_target systemctl -q disable $DISABLE
rm -f /target/usr/sbin/policy-rc.d /target/etc/ssh/ssh_host_* /target/var/lib/dpkg/*-old /target/var/cache/debconf/*-old
rm -f /target/var/lib/systemd/random-seed /target/var/lib/dbus/machine-id
rm -rf /target/var/log/apt /target/var/log/dpkg.log /target/var/log/alternatives.log
: > /target/etc/machine-id
leave
echo '${COMPLETE}'
`;

/** The script that makes a Debian on `/dev/vda` of the packages on the disc `/dev/vdb`. */
export function secondStage({ uuid, portions, done, enable, disable }: SecondStageOptions): string {
  const words = [`UUID=${uuid}`, `PORTIONS=${portions}`, `DONE=${done}`];
  return `${words.join('\n')}\nENABLE='${enable.join(' ')}'\nDISABLE='${disable.join(' ')}'\n${script}`;
}
