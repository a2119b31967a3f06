/* A loop of BODY instructions without a jump. */
#include "bench.h"

#define INSTRUCTIONS 1000000000
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

uint64_t run(void) {
  uint64_t a = 7, b = 13, c;
  for (long turn = 0; turn < INSTRUCTIONS / BODY; turn++) {
    __asm__ volatile(".rept " TEXT(BODY) " / 4\n"
                     "add %0, %0, %1\n xor %1, %1, %0\n srli %2, %0, 7\n add %1, %1, %2\n"
                     ".endr"
                     : "+r"(a), "+r"(b), "=&r"(c));
  }
  return a ^ b;
}
