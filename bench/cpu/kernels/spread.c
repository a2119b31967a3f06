/* Code on PAGES pages, 16 instructions on each, and a jump from each to the next one. */
#include "bench.h"

#define JUMPS 20000000
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

uint64_t run(void) {
  uint64_t a = 7, b = 13, c;
  for (long turn = 0; turn < JUMPS / PAGES; turn++) {
    __asm__ volatile(".rept " TEXT(PAGES) "\n"
                     ".rept 4\n add %0, %0, %1\n xor %1, %1, %0\n srli %2, %0, 7\n add %1, %1, %2\n .endr\n"
                     "j 1f\n .balign 4096\n 1:\n"
                     ".endr"
                     : "+r"(a), "+r"(b), "=&r"(c));
  }
  return a ^ b;
}
