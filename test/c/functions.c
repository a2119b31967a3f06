/* The functions of c/vcpu_irqs.h as ones that can be called, with sets in 32-bit halves. */
#include "vcpu_irqs.h"

int c_set(struct vcpu_irqs *v, unsigned int irq)
{
	return vcpu_irqs_set(v, irq);
}

int c_unset(struct vcpu_irqs *v, unsigned int irq)
{
	return vcpu_irqs_unset(v, irq);
}

void c_sync(struct vcpu_irqs *v, uint32_t lo, uint32_t hi)
{
	vcpu_irqs_sync(v, (uint64_t)hi << 32 | lo);
}

void c_flush(struct vcpu_irqs *v)
{
	vcpu_irqs_flush(v);
}

int c_has(const struct vcpu_irqs *v, uint32_t lo, uint32_t hi)
{
	return vcpu_irqs_has(v, (uint64_t)hi << 32 | lo);
}
