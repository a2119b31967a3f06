/*
 * Storms of messages (MSIs) between harts. Whoever is about to cause one counts it in the box of its hart and identity:
 * `told`; and once the store that causes it is done: `announced`. The receiver claims an identity first, and reads
 * after that how many were told: it has heard them all.
 *
 * Lost: more are announced than were heard, and yet the identity is not pending. One of those announced was told after
 * the receiver's last look, so it arrived after its last claim, and nothing else than a claim takes it away.
 *
 * From nowhere: messages of one identity coalesce, so some claims hear of nothing new. How many may? Each claim takes
 * at least one message, which was told before it arrived. When n claims were made, n messages were told before the last
 * of them, and the receiver has heard of them. Hence after each claim, for each identity
 *
 *     claims <= messages heard of
 *
 * and one more came from nowhere. Counts start anew when all harts are at rest; then nothing is pending.
 */
#include "sbi.h"
#include "aia.h"

#define DUET_ASKS 24UL
#define BURST 12
#define LOST_AFTER_TRIES 32

struct box {
	volatile u32 told;      /* by anybody; the receiver acquires it when it has claimed */
	volatile u32 announced; /* by anybody; the receiver acquires it when it looks for lost ones */
	volatile u32 heard;     /* of the receiver: told, as it was behind the last claim */
	volatile u32 claims;    /* of the receiver */
	u32 rest_heard, rest_claims;
};

static struct box boxes[MAX_HARTS][MAX_IDENTITY + 1]; /* [receiver][identity] */

/* What a message asks for: each word has one writer, and only rises. */
static volatile word questions[MAX_HARTS][MAX_HARTS]; /* [receiver][sender], of the sender */
static volatile word answers[MAX_HARTS][MAX_HARTS];   /* [receiver][sender], of the receiver */
static volatile word heeded[MAX_HARTS][MAX_HARTS];    /* [sender][receiver], answers seen by the sender */

static struct box *box_of(struct hart *to, word identity) { return &boxes[to->index][identity]; }

/* Before a message is caused. */
void msi_told(struct hart *to, word identity)
{
	__atomic_add_fetch(&box_of(to, identity)->told, 1, __ATOMIC_SEQ_CST);
	__asm__ volatile("fence rw, o" : : : "memory");
}

/* After it was. */
void msi_announced(struct hart *to, word identity)
{
	__asm__ volatile("fence o, w" : : : "memory");
	__atomic_add_fetch(&box_of(to, identity)->announced, 1, __ATOMIC_SEQ_CST);
}

word msi_claims(struct hart *h, word identity) { return box_of(h, identity)->claims; }

/* Any identity that is not for the UART. */
word msi_identity(struct hart *h)
{
	word identity;
	do
		identity = 1 + random(h, random(h, 3) ? machine.identities : 4);
	while (aplic_is_uart_identity(identity));
	return identity;
}

static u32 big_endian(word value) { return (u32)(value << 24 | (value & 0xff00) << 8); }

/* Causes a message in one of the ways that there are. */
void msi_send(struct hart *h, struct hart *to, word identity)
{
	volatile u32 *page = imsic_page(to);
	word on;
	switch (random(h, 8)) {
	case 0:
		page[machine.big_endian] = machine.big_endian ? big_endian(identity) : (u32)identity;
		return;
	case 1:
		return aplic_message(to, identity);
	case 2:
		if (to == h) {
			on = csr_read(sstatus) & SSTATUS_SIE;
			irq_off();
			imsic_set_pending(identity);
			csr_set(sstatus, on);
			return;
		} /* fall through */
	default:
		page[0] = (u32)identity;
	}
}

/* Tells a hart, which may be the sender itself. */
void msi_tell(struct hart *h, struct hart *to, word identity)
{
	msi_told(to, identity);
	msi_send(h, to, identity);
	msi_announced(to, identity);
}

static struct hart *anyone(struct hart *h) { return &harts[random(h, machine.harts)]; }

static void answer(struct hart *h)
{
	for (word i = 0; i < machine.harts; i++) {
		struct hart *other = &harts[i];
		while (answers[h->index][i] != __atomic_load_n(&questions[h->index][i], __ATOMIC_ACQUIRE)) {
			h->msi_asks++;
			__atomic_store_n(&answers[h->index][i], answers[h->index][i] + 1, __ATOMIC_RELEASE);
			msi_tell(h, other, msi_identity(h));
		}
		while (heeded[h->index][i] != __atomic_load_n(&answers[i][h->index], __ATOMIC_ACQUIRE)) {
			heeded[h->index][i]++;
			h->msi_replies++;
		}
	}
}

static void check_bound(struct hart *h, word identity)
{
	struct box *box = box_of(h, identity);
	u32 claims = box->claims - box->rest_claims, heard = box->heard - box->rest_heard;
	if (claims > heard)
		fail("hart %lu: %lu claims of identity %lu for %lu messages: one came from nowhere", h->index,
		     (word)claims, identity, (word)heard);
}

/* With interrupts off: claims what is on top and does what it is for. Returns the identity, or 0. */
word msi_take(struct hart *h)
{
	word identity = imsic_claim(h);
	if (!identity)
		return 0;
	h->claims++;
	if (identity == h->masked)
		fail("hart %lu: claimed identity %lu, which is disabled", h->index, identity);
	if (h->threshold && identity >= h->threshold)
		fail("hart %lu: claimed identity %lu with a threshold of %lu", h->index, identity, h->threshold);
	if (aplic_is_uart_identity(identity)) {
		if (identity != aplic_uart_identity())
			fail("hart %lu: claimed identity %lu, which nobody has told", h->index, identity);
		external_serve(h);
		return identity;
	}
	struct box *box = box_of(h, identity);
	box->claims++;
	u32 told = __atomic_load_n(&box->told, __ATOMIC_SEQ_CST);
	if (told == box->heard)
		h->coalesced++;
	box->heard = told;
	check_bound(h, identity);
	answer(h);
	return identity;
}

/* One claim a trap, or all that there are. */
void msi_interrupt(struct hart *h)
{
	h->msi_traps++;
	if (!msi_take(h))
		fail("hart %lu: an external interrupt with nothing to claim", h->index);
	if (random(h, 2))
		while (msi_take(h))
			;
}

/* An identity that was announced and not heard of, or 0. */
static word overdue(struct hart *h)
{
	for (word identity = 1; identity <= machine.identities; identity++) {
		struct box *box = box_of(h, identity);
		if ((int)(__atomic_load_n(&box->announced, __ATOMIC_ACQUIRE) - box->heard) > 0 &&
		    !imsic_pending(identity))
			return identity;
	}
	return 0;
}

/* With interrupts off, like ipi_check_lost(). */
void msi_check_lost(struct hart *h)
{
	if (!machine.imsic)
		return;
	word identity = overdue(h);
	for (word tries = 0; identity && !imsic_pending(identity); tries++) {
		if (tries == LOST_AFTER_TRIES)
			fail("hart %lu: a message with identity %lu was lost: it is unheard of, and not pending", h->index,
			     identity);
		sbi_probe(SBI_BASE);
	}
}

static void ask(struct hart *h, struct hart *to)
{
	word replies = h->msi_replies;
	__atomic_store_n(&questions[to->index][h->index], questions[to->index][h->index] + 1, __ATOMIC_RELEASE);
	msi_tell(h, to, msi_identity(h));
	await(h, "an answer by a message", to->index, &h->msi_replies, replies);
}

static void burst(struct hart *h)
{
	int same = random(h, 4) == 0;
	struct hart *to = anyone(h);
	word identity = msi_identity(h);
	for (word i = random(h, BURST); i > 0; i--)
		msi_tell(h, same ? to : anyone(h), same ? identity : msi_identity(h));
}

static void everybody(struct hart *h)
{
	word identity = msi_identity(h);
	for (word i = 0; i < machine.harts; i++)
		msi_tell(h, &harts[i], identity);
}

/* Numbers that are no identities, and places on the page where there is no register: nothing comes of them. */
static void nonsense(struct hart *h)
{
	static const u32 numbers[] = { 0, MAX_IDENTITY + 1, 0x800, 0x10001, 0x80000001, 0xffffffff };
	volatile u32 *page = imsic_page(anyone(h));
	page[random(h, 2)] = numbers[random(h, sizeof numbers / sizeof numbers[0])];
	page[2 + random(h, 1022)] = (u32)msi_identity(h);
	exact_check(h, page[random(h, 1024)] == 0, "an interrupt file's page reads as zeros");
}

/* A source of the APLIC tells a hart several times. */
static void wires(struct hart *h)
{
	word source = aplic_source(h), identity = msi_identity(h);
	struct hart *to = anyone(h);
	aplic_open(h, source, to, identity);
	for (word i = 1 + random(h, 3); i > 0; i--) {
		msi_told(to, identity);
		aplic_raise(h, source);
		exact_check(h, !aplic_pending(source), "a source that has sent its message is not pending");
		msi_announced(to, identity);
		h->wired++;
	}
	if (random(h, 2) && !(options.lenient & LENIENT_LEVEL))
		exact_check(h, aplic_silent(h, source), "a source whose wire is low cannot be raised");
	aplic_close(source);
}

/* Messages while the source is disabled wait in the APLIC, for the target that it has in the end. */
static void held_wires(struct hart *h)
{
	word source = aplic_source(h);
	aplic_open(h, source, anyone(h), msi_identity(h));
	aplic_enable(source, 0);
	aplic_raise(h, source);
	exact_check(h, aplic_pending(source), "a disabled source stays pending");
	nap(h, microseconds(random(h, 50)));
	struct hart *to = anyone(h);
	word identity = msi_identity(h);
	aplic_target(source, to, identity);
	exact_check(h, aplic_pending(source), "a disabled source stays pending across a new target");
	msi_told(to, identity);
	aplic_enable(source, 1);
	exact_check(h, !aplic_pending(source), "an enabled source sends its message");
	msi_announced(to, identity);
	h->wired++;
	aplic_close(source);
}

void msi_round(struct hart *h)
{
	doing(h, "sending messages by stores", 0);
	burst(h);
	switch (random(h, 8)) {
	case 0:
		return everybody(h);
	case 1:
		return nonsense(h);
	case 2:
		return wires(h);
	case 3:
		return held_wires(h);
	case 4:
		return ask(h, anyone(h));
	default:
		return masks_round(h);
	}
}

void msi_duet(struct hart *h, struct hart *partner, int asks)
{
	if (!asks)
		return duet_listen(h, &h->msi_asks, h->rest_msi_asks + DUET_ASKS);
	for (word i = 0; i < DUET_ASKS; i++) {
		if (random(h, 3) == 0)
			msi_tell(h, partner, msi_identity(h));
		ask(h, partner);
	}
}

static word unheard(struct hart *h)
{
	word count = 0;
	for (word identity = 1; identity <= machine.identities; identity++) {
		struct box *box = box_of(h, identity);
		count += __atomic_load_n(&box->told, __ATOMIC_ACQUIRE) - box->heard;
	}
	return count;
}

/* When no hart sends any more: sleeps until every message to this hart was heard of. */
void msi_rest(struct hart *h)
{
	if (!machine.imsic)
		return;
	for (word seen = h->claims; unheard(h); seen = h->claims)
		await(h, "messages, unheard of", unheard(h), &h->claims, seen);
}

/* When every hart has rested, for a while: nothing is pending; counts start anew. */
void msi_at_rest(struct hart *h)
{
	if (!machine.imsic)
		return;
	irq_off();
	if (imsic_any_pending())
		fail("hart %lu: identities are pending while all harts are at rest", h->index);
	irq_on();
	for (word identity = 1; identity <= machine.identities; identity++) {
		struct box *box = box_of(h, identity);
		check_bound(h, identity);
		box->rest_heard = box->heard;
		box->rest_claims = box->claims;
	}
	h->rest_msi_asks = h->msi_asks;
}

/* Of all harts. */
word msi_messages(void)
{
	word told = 0;
	for (word to = 0; to < machine.harts; to++)
		for (word identity = 1; identity <= machine.identities; identity++)
			told += boxes[to][identity].told;
	return told;
}

/* Prints the identities with messages that were not heard of. */
void msi_describe(void)
{
	for (word to = 0; machine.imsic && to < machine.harts; to++)
		for (word identity = 1; identity <= machine.identities; identity++) {
			struct box *box = &boxes[to][identity];
			if (box->told != box->heard)
				print("tick: hart %lu has heard of %lu of %lu messages with identity %lu\r\n", to,
				      (word)box->heard, (word)box->told, identity);
		}
}
