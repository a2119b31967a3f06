/* One small function that is called from SITES places, one after the other. */
#include "bench.h"

#define CALLS 50000000
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

__asm__(".text\n leaf: add a0, a0, a1\n xor a1, a1, a0\n srli a2, a0, 7\n add a1, a1, a2\n ret");

uint64_t run(void) {
  register uint64_t a __asm__("a0") = 7;
  register uint64_t b __asm__("a1") = 13;
  for (long turn = 0; turn < CALLS / SITES; turn++) {
    __asm__ volatile(".rept " TEXT(SITES) "\n call leaf\n .endr" : "+r"(a), "+r"(b) : : "a2", "ra");
  }
  return a ^ b;
}
