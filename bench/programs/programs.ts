import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ExtraFile } from '../../src/boot/initramfs.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { debianPackage } from '../../src/node/debian/debian-guest.ts';

/** Files of a Debian package: its name, and patterns of tar for those that are wanted. */
export type PackageFiles = readonly [name: string, members: readonly string[]];

/** A program that is measured. */
export interface GuestProgram {
  readonly name: string;
  readonly about: string;
  /** With the libraries beside the C library. */
  readonly packages: readonly PackageFiles[];
  /** A script of the shell; what it prints is compared. The folder that it runs in is empty, and for it alone. */
  readonly script: string;
}

const LIBC: PackageFiles = ['libc6', ['*/libc.so.6', '*/libm.so.6', '*/ld-linux-riscv64-lp64d.so.1']];
const ZLIB: PackageFiles = ['zlib1g', ['*.so.*']];
const LIBRARIES = ['*.so.*'];

/** A file of the guest: some megabytes that compress as text does, the same on every machine. */
export const TEXT: ExtraFile = {
  path: 'text',
  data: Array.from({ length: 60_000 }, (_, number) => {
    const other = (number * 7919) % 50_021;
    return `line ${number} of ${other} and ${number % 17}: ${other % 251} to ${(number * other) % 9973}\n`;
  }).join(''),
};

const PYTHON_WORK = `
import re, json, hashlib
words = {}
for number in range(60000):
    word = "w%d" % (number * 7919 % 5003)
    words[word] = words.get(word, 0) + number
class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right
    def total(self):
        return self.value + (self.left.total() if self.left else 0) + (self.right.total() if self.right else 0)
def build(depth, value=1):
    return Node(value, build(depth - 1, 2 * value), build(depth - 1, 2 * value + 1)) if depth else None
text = json.dumps(sorted(words.items(), key=lambda item: (item[1] % 1009, item[0])))
found = sum(int(number) for number in re.findall(r"w(\\d*7)\\b", text))
sieve = bytearray([1]) * 200000
for number in range(2, 448):
    if sieve[number]:
        sieve[number * number::number] = bytes(len(range(number * number, 200000, number)))
print(len(text), found, build(14).total(), sum(sieve), hashlib.sha256(text.encode()).hexdigest())
`;

const PERL_WORK = `
my %count; my $text = "";
for my $i (1 .. 60000) { my $w = "w" . ($i * 7919 % 5003); $count{$w} += $i; $text .= "$w " if $i % 3; }
my @sorted = sort { $count{$a} % 1009 <=> $count{$b} % 1009 or $a cmp $b } keys %count;
my $sum = 0; $sum += $1 while $text =~ /w(\\d*7)\\b/g;
(my $other = $text) =~ s/(\\d)(\\d)/$2$1/g;
my $hash = 5381; $hash = ($hash * 33 + ord) % 4294967291 for split //, substr($other, 0, 100000);
print "@sorted[0..9] $sum $hash\\n";
`;

const SQL_WORK = `
create table word (id integer primary key, name text, number integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  insert into word select i, 'w' || (i * 7919 % 5003), i * 31 % 1009 from n;
create index by_name on word (name, number);
select count(*), sum(a.number * b.number) from word a join word b on a.name = b.name and a.number < b.number;
select name, count(*), avg(number) from word group by name order by 3 desc, 1 limit 5;
delete from word where number % 3 = 0;
select count(*), total(number), max(name) from word where name like '%7';
`;

/** A source with as many functions as programs of some size have, which all do something else. */
const C_SOURCE = Array.from(
  { length: 30 },
  (_, number) => `
struct node${number} { struct node${number} *next; int value[${(number % 7) + 2}]; };
int walk${number}(struct node${number} *node, int limit) {
  int sum = ${number};
  for (int i = 0; node && i < limit; i++, node = node->next)
    switch ((node->value[0] + i) % ${(number % 5) + 3}) {
      case 0: sum += node->value[1] * ${number + 3}; break;
      case 1: sum ^= node->value[${(number % 7) + 1}] << ${number % 11}; break;
      case 2: if (sum > ${number * 97}) sum /= ${number + 2}; else sum -= i; break;
      default: sum = sum * 31 + ${number === 0 ? 'limit' : `walk${number - 1}(0, limit - i)`};
    }
  return sum;
}`,
).join('\n');

/** All of them; another one is another entry. */
export const guestPrograms: readonly GuestProgram[] = [
  {
    name: 'gcc',
    about: "GCC's compiler proper and the assembler, 30 functions with -O2",
    packages: [
      ['cpp-14-riscv64-linux-gnu', ['*/cc1']],
      ['binutils-riscv64-linux-gnu', ['./usr/bin/riscv64-linux-gnu-as']],
      ['libbinutils', ['*/libbfd-*.so', '*/libopcodes-*.so']],
      ['libsframe1', LIBRARIES],
      ['libgmp10', LIBRARIES],
      ['libmpfr6', LIBRARIES],
      ['libmpc3', LIBRARIES],
      ['libisl23', ['*/libisl.so.*']],
      ['libjansson4', LIBRARIES],
      ['libzstd1', LIBRARIES],
      ZLIB,
    ],
    script: `cat > source.c << 'END'
${C_SOURCE}
END
cc1 -quiet -I . -march=rv64gc -mabi=lp64d -O2 source.c -o source.s
riscv64-linux-gnu-as -march=rv64gc -mabi=lp64d source.s -o source.o
cat source.s source.o`,
  },
  {
    name: 'python',
    about: 'Python: dictionaries, objects, JSON, expressions, a sieve',
    packages: [
      ['python3.13-minimal', ['./usr/bin/python3.13']],
      ['libpython3.13-minimal', ['./usr/lib/python3.13/*']],
      ['libexpat1', LIBRARIES],
      ['libssl3t64', LIBRARIES],
      ZLIB,
    ],
    script: `cat > work.py << 'END'
${PYTHON_WORK}
END
python3.13 -I -S -B work.py`,
  },
  {
    name: 'perl',
    about: 'Perl: hashes, sorting, expressions, strings',
    packages: [
      ['perl-base', ['./usr/bin/perl', './usr/lib/riscv64-linux-gnu/perl-base/*']],
      ['libcrypt1', LIBRARIES],
    ],
    script: `cat > work.pl << 'END'
${PERL_WORK}
END
perl work.pl`,
  },
  {
    name: 'openssl',
    about: 'OpenSSL: SHA-256, SHA-512 and AES of some megabytes',
    packages: [['openssl', ['./usr/bin/openssl']], ['libssl3t64', LIBRARIES], ['libzstd1', LIBRARIES], ZLIB],
    script: `openssl dgst -sha256 /text && openssl dgst -sha512 /text
openssl enc -aes-256-ctr -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 0123456789abcdef0123456789abcdef -in /text | openssl dgst -sha256`,
  },
  {
    name: 'sqlite',
    about: 'SQLite: 60,000 rows, an index, a join, groups',
    packages: [
      ['sqlite3', ['./usr/bin/sqlite3']],
      ['libsqlite3-0', LIBRARIES],
      ['libreadline8t64', LIBRARIES],
      ['libtinfo6', LIBRARIES],
      ZLIB,
    ],
    script: `cat > work.sql << 'END'
${SQL_WORK}
END
sqlite3 work.db < work.sql`,
  },
  {
    name: 'gzip',
    about: 'gzip and back, some megabytes of text',
    packages: [['gzip', ['*/bin/gzip']]],
    script: `/usr/bin/gzip -6 -n -c /text > packed && wc -c < packed && /usr/bin/gzip -d -c packed | md5sum`,
  },
  {
    name: 'xz',
    about: 'xz and back, some megabytes of text',
    packages: [
      ['xz-utils', ['./usr/bin/xz']],
      ['liblzma5', LIBRARIES],
    ],
    script: `/usr/bin/xz -3 -T1 -c /text > packed && wc -c < packed && /usr/bin/xz -d -c packed | md5sum`,
  },
  {
    name: 'zstd',
    about: 'zstd and back, some megabytes of text',
    packages: [
      ['zstd', ['./usr/bin/zstd']],
      ['libzstd1', LIBRARIES],
      ['liblzma5', LIBRARIES],
      ['liblz4-1', LIBRARIES],
      ['libxxhash0', LIBRARIES],
      ['libgcc-s1', ['*/libgcc_s.so.1']],
      ['libstdc++6', LIBRARIES],
      ZLIB,
    ],
    script: `zstd -9 -q -c --single-thread /text > packed && wc -c < packed && zstd -q -d -c packed | md5sum`,
  },
];

/** Those of the names, in the order of the table. @throws InputError for another name */
export function selectPrograms(text: string | undefined): readonly GuestProgram[] {
  if (text === undefined) return guestPrograms;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !guestPrograms.some((program) => program.name === name));
  if (unknown !== undefined) {
    const known = guestPrograms.map(({ name }) => name).join(', ');
    throw new InputError(`--programs ${text}: there is no "${unknown}". There are ${known}.`);
  }
  return guestPrograms.filter(({ name }) => names.includes(name));
}

/**
 * Fetches the files of programs.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when they cannot be had
 */
export async function programFiles(
  programs: readonly GuestProgram[],
  onProgress: (line: string) => void,
): Promise<readonly ExtraFile[]> {
  const found = new Map<string, ExtraFile>();
  for (const [name, members] of [LIBC, ...programs.flatMap(({ packages }) => packages)]) {
    onProgress(`Files of Debian's ${name}`);
    const { directory, files } = await debianPackage(name, { members });
    for (const file of files) {
      const path = placeOf(file);
      if (path !== undefined)
        found.set(path, { path, data: readFileSync(join(directory, file)), mode: 0o755 });
    }
  }
  return [TEXT, ...found.values()];
}

/**
 * Where a file goes in the guest. The loader looks for libraries in `lib`, by the first number of their version;
 * programs that packages have in folders of their own go where all others are.
 */
export function placeOf(file: string): string | undefined {
  const name = basename(file);
  if (/gdb|\.py$/.test(name) && /\.so/.test(name)) return undefined;
  const own = /\/(python3|perl-base)/.test(file);
  if (!own && /^(lib|ld-).*\.so/.test(name)) return `lib/${name.replace(/(\.so\.\d+)\..*$/, '$1')}`;
  if (name === 'cc1' || /(^|\/)bin\//.test(file)) return `usr/bin/${name}`;
  return file.replace(/^\.?\//, '');
}
