#!/bin/sh
# Installs the programs that tests and benchmarks run: `npm run setup`. Nodes that the package is tested on come by npm,
# the rest as Debian packages. Where nothing is missing it does nothing. Without root it says what to install; tests
# without their program are skipped.
set -eu

npm ci --prefix "$(dirname "$0")/../test/nodes" --no-audit --no-fund --loglevel=error ||
  echo "setup: npm did not bring the Nodes of test/nodes; the tests of the package on them will be skipped." >&2

missing=''

# need PROGRAM PACKAGE...: asks for the packages unless the program is there.
need() {
  program=$1
  shift
  command -v "$program" >/dev/null 2>&1 || missing="$missing $*"
}

need riscv64-linux-gnu-gcc gcc-riscv64-linux-gnu      # builds the guests under guests/
need riscv64-linux-gnu-objdump binutils-riscv64-linux-gnu # the disassembler's and the assembler's oracle
need qemu-system-riscv64 qemu-system-misc             # the oracle for whole programs, and the benchmark's yardstick
need qemu-img qemu-utils                              # the oracle for images of disks
need qemu-riscv32-static qemu-user-static             # runs the agent for RV32, whose kernel no distribution has
need script bsdutils                                  # a pseudo terminal for it
need dtc device-tree-compiler                         # reads the device trees that we write
need gdb-multiarch gdb-multiarch                         # the oracle for `--gdb`
need chromium chromium                                # the browser of the tests and benchmarks of pages
need firefox-esr firefox-esr                          # the other browser of the tests of pages
need gcc gcc libc6-dev                                # builds the C side of `npm run bench -- irq`
need spin spin                                        # checks the models that `verify explain --promela` writes
need dpkg-deb dpkg                                    # unpacks the guest's packages
need apt-get apt                                      # fetches them
need tar tar
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "setup: some programs are missing; the tests that need them will be skipped." >&2
  echo "setup: on Debian, install them with: sudo apt-get install --no-install-recommends$missing" >&2
  exit 0
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of words
apt-get install -q -y --no-install-recommends $missing
