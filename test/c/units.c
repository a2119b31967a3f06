/* What each function of c/vcpu_irqs.h does by itself. Prints the first thing that is wrong. */
#include <stdio.h>
#include "vcpu_irqs.h"

#define CHECK(what) \
	do { \
		if (!(what)) { \
			printf("line %d: %s\n", __LINE__, #what); \
			return 1; \
		} \
	} while (0)

#define HIGH (VCPU_IRQS_NR == 64 ? UINT64_C(1) << 40 : 0)

int main(void)
{
	static const unsigned int wrong[] = { 0, 1, 3, 9, 13, 31, 32, 33, 41, 63, 64, 96, 0x7fffffff, 0x80000000, -1u };
	struct vcpu_irqs v;

	vcpu_irqs_init(&v, 0x444 | HIGH, 0x4 | UINT64_C(0x2000));
	CHECK(vcpu_irqs_pending(&v) == 0);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK(vcpu_irqs_set(&v, wrong[i]) == VCPU_IRQS_INVALID);
		CHECK(vcpu_irqs_unset(&v, wrong[i]) == VCPU_IRQS_INVALID);
		CHECK(vcpu_irqs_clear_own(&v, wrong[i]) == VCPU_IRQS_INVALID);
	}
	CHECK(vcpu_irqs_pending(&v) == 0);

	/* An edge asks for one kick, and is taken once. */
	CHECK(vcpu_irqs_set(&v, 2) == VCPU_IRQS_KICK);
	CHECK(vcpu_irqs_set(&v, 2) == VCPU_IRQS_DONE);
	CHECK(vcpu_irqs_has(&v, 0x4) && !vcpu_irqs_has(&v, 0x40));
	CHECK(vcpu_irqs_flush(&v) == 0x4);
	CHECK(vcpu_irqs_flush(&v) == 0x4);
	CHECK(vcpu_irqs_pending(&v) == 0x4);
	/* The guest clears it, and sets it by itself. */
	vcpu_irqs_sync(&v, 0);
	CHECK(vcpu_irqs_flush(&v) == 0);
	vcpu_irqs_sync(&v, 0x4);
	CHECK(vcpu_irqs_has(&v, 0x4) && vcpu_irqs_flush(&v) == 0x4);
	/* What the guest has cannot be withdrawn, but cleared on its behalf. */
	CHECK(vcpu_irqs_unset(&v, 2) == VCPU_IRQS_DONE);
	CHECK(vcpu_irqs_pending(&v) == 0x4);
	CHECK(vcpu_irqs_set(&v, 2) == VCPU_IRQS_KICK);
	CHECK(vcpu_irqs_clear_own(&v, 2) == VCPU_IRQS_DONE);
	CHECK(vcpu_irqs_pending(&v) == 0);
	CHECK(vcpu_irqs_clear_own(&v, 10) == VCPU_IRQS_INVALID);

	/* A level is copied for as long as it is set, whatever HVIP says after the exit. */
	CHECK(vcpu_irqs_set(&v, 10) == VCPU_IRQS_KICK);
	CHECK(vcpu_irqs_flush(&v) == 0x400);
	vcpu_irqs_sync(&v, 0);
	CHECK(vcpu_irqs_flush(&v) == 0x400);
	CHECK(vcpu_irqs_unset(&v, 10) == VCPU_IRQS_KICK);
	CHECK(vcpu_irqs_unset(&v, 10) == VCPU_IRQS_DONE);
	CHECK(vcpu_irqs_flush(&v) == 0);

	/* A set and an unset without a flush leave no trace. */
	CHECK(vcpu_irqs_set(&v, 2) == VCPU_IRQS_KICK && vcpu_irqs_unset(&v, 2) == VCPU_IRQS_KICK);
	CHECK(vcpu_irqs_flush(&v) == 0 && vcpu_irqs_pending(&v) == 0);

	if (HIGH) {
		CHECK(vcpu_irqs_set(&v, 40) == VCPU_IRQS_KICK);
		CHECK(vcpu_irqs_has(&v, HIGH) && !vcpu_irqs_has(&v, 0x444));
		CHECK(vcpu_irqs_flush(&v) == HIGH);
	}
	vcpu_irqs_set(&v, 2);
	vcpu_irqs_reset(&v);
	CHECK(vcpu_irqs_pending(&v) == 0 && vcpu_irqs_flush(&v) == 0);

	CHECK(vcpu_irqs_from_vs(0x2222) == 0x2444 && vcpu_irqs_to_vs(0x2444) == 0x2222);
	CHECK(vcpu_irqs_from_vs(~UINT64_C(0)) == (~UINT64_C(0x1fff) | 0x444));
	CHECK(vcpu_irqs_to_vs(~UINT64_C(0)) == (~UINT64_C(0x1fff) | 0x222));
	printf("PASS\n");
	return 0;
}
