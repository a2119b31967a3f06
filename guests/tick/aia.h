/* Message-signaled interrupts of the Advanced Interrupt Architecture: interrupt files, the APLIC, and storms of them. */
#ifndef AIA_H
#define AIA_H

#include "tick.h"

/* By number, because assemblers know the names only where these extensions are asked for. */
#define CSR_SIEH 0x114
#define CSR_SISELECT 0x150
#define CSR_SIREG 0x151
#define CSR_SIPH 0x154
#define CSR_STOPEI 0x15c
#define CSR_STOPI 0xdb0

#define csr_read_number(csr) ({ word v_; __asm__ volatile("csrr %0, %1" : "=r"(v_) : "i"(csr) : "memory"); v_; })
#define csr_write_number(csr, value) __asm__ volatile("csrw %0, %1" : : "i"(csr), "r"((word)(value)) : "memory")
#define csr_set_number(csr, bits) __asm__ volatile("csrs %0, %1" : : "i"(csr), "r"((word)(bits)) : "memory")
#define csr_clear_number(csr, bits) __asm__ volatile("csrc %0, %1" : : "i"(csr), "r"((word)(bits)) : "memory")

#define MAX_IDENTITY 255UL

/* imsic.c; interrupts off, except for imsic_page() */
void imsic_delivery(int on);
void imsic_threshold(word identity);
void imsic_enable(word identity, int on);
int imsic_pending(word identity);
void imsic_set_pending(word identity);
word imsic_any_pending(void);
word imsic_top(struct hart *h);
word imsic_claim(struct hart *h);
volatile u32 *imsic_page(struct hart *h);

/* aplic.c */
void aplic_uart_interrupt(void);
word aplic_uart_identity(void);
int aplic_is_uart_identity(word identity);
void aplic_message(struct hart *to, word identity);
word aplic_source(struct hart *h);
void aplic_open(struct hart *h, word source, struct hart *to, word identity);
void aplic_close(word source);
void aplic_raise(struct hart *h, word source);
void aplic_enable(word source, int on);
void aplic_target(word source, struct hart *to, word identity);
int aplic_pending(word source);
int aplic_silent(struct hart *h, word source);

/* msi.c */
word msi_identity(struct hart *h);
void msi_tell(struct hart *h, struct hart *to, word identity);
void msi_told(struct hart *to, word identity);
void msi_announced(struct hart *to, word identity);
void msi_send(struct hart *h, struct hart *to, word identity);
word msi_claims(struct hart *h, word identity);
word msi_take(struct hart *h);

#endif
