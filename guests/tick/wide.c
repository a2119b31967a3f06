/* Division of 64-bit numbers on RV32, which the compiler calls for; its own library is not linked. */
#include "tick.h"

#if __riscv_xlen == 32

u64 __udivdi3(u64 dividend, u64 divisor);
u64 __umoddi3(u64 dividend, u64 divisor);

static u64 divide(u64 dividend, u64 divisor, u64 *remainder)
{
	u64 quotient = 0, rest = 0;
	for (int bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (dividend >> bit & 1);
		if (rest >= divisor) {
			rest -= divisor;
			quotient |= 1ULL << bit;
		}
	}
	*remainder = rest;
	return quotient;
}

u64 __udivdi3(u64 dividend, u64 divisor)
{
	u64 remainder;
	return divide(dividend, divisor, &remainder);
}

u64 __umoddi3(u64 dividend, u64 divisor)
{
	u64 remainder;
	divide(dividend, divisor, &remainder);
	return remainder;
}

#endif
