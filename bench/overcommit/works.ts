import { type GuestProgram, guestPrograms, type PackageFiles } from '../programs/programs.ts';

/** Each of them starts a compiler, which is what takes the time: a function or two. */
const SOURCES = 16;

const compiler: readonly PackageFiles[] = guestPrograms.find(({ name }) => name === 'gcc')?.packages ?? [];

const sourceOf = (number: number): string => `int first${number}(int limit) {
  int sum = ${number};
  for (int i = 0; i < limit; i++) sum = sum * ${number + 3} ^ (i % ${(number % 7) + 2});
  return sum;
}
int second${number}(const int *from, int count) {
  return count > ${number} ? from[count] + second${number}(from, count - 1) : first${number}(count);
}`;

/** Work for many processes at once. What they print does not depend on who of them comes first. */
export const overcommitWorks: readonly GuestProgram[] = [
  {
    name: 'hackbench',
    about: 'hackbench: 80 processes that pass messages through pipes',
    packages: [
      ['rt-tests', ['./usr/bin/hackbench']],
      ['libnuma1', ['*.so.*']],
    ],
    script: 'hackbench --pipe --groups 4 --fds 10 --loops 50 > times && wc -l < times',
  },
  {
    name: 'make',
    about: `make -j64: ${SOURCES} small files through GCC's compiler proper`,
    packages: [['make', ['./usr/bin/make']], ...compiler],
    script: `${Array.from(
      { length: SOURCES },
      (_, number) => `cat > source${number}.c << 'END'\n${sourceOf(number)}\nEND`,
    ).join('\n')}
printf 'all: $(patsubst %%.c,%%.s,$(wildcard *.c))\\n%%.s: %%.c\\n\\t@cc1 -quiet -I . -march=rv64gc -mabi=lp64d -O1 $< -o $@\\n' > Makefile
make -j64 && cat $(ls *.s)`,
  },
];
