/*
 * IPIs with payloads. A message goes into the queue of its (sender, receiver) pair, then an SBI call interrupts the
 * receiver, whose handler clears sip.SSIP first and drains every queue after that. Nothing else drains a queue.
 *
 * Lost: a message is unread, the SBI call that announces it has returned, and yet the receiver's sip.SSIP is 0, even
 * after the receiver went through the firmware and back. The receiver looks before it sleeps and at each timer
 * interrupt. What it cannot see because the next IPI came too soon shows in the duets: the sender sleeps in WFI until
 * the reply comes, nobody else interrupts either side, so one lost interrupt stops the run and the watchdog tells.
 *
 * From nowhere: calls coalesce, so some software interrupts find the queues empty: the message was drained by the
 * handler of an earlier one. How many may? Every call follows at least one message of its own, and causes at most one
 * software interrupt. When n have been taken, n calls were made, so n messages were queued before the last handler
 * cleared SSIP, and it drained them all. Hence after each drain
 *
 *     software interrupts taken <= messages received + times the hart set sip.SSIP itself
 *
 * and one more came from nowhere. Coalescing makes room under this bound, therefore the count starts anew whenever
 * all harts are at rest; and then there is a window in which none may come at all (main.c).
 */
#include "sbi.h"

#define RING 16UL
#define ROOM_FOR_REPLIES 2UL /* at most one is under way in each queue: who asks waits */
#define DUET_ASKS 24UL
#define SPIN_MICROSECONDS 200
#define LOST_AFTER_TRIES 32

struct message {
	u64 tag, value, check;
};

/* One sender, one receiver: each side writes its own index only. */
struct queue {
	volatile word head; /* messages ever sent; release by post(), acquire by drain() */
	volatile word called; /* of these, announced by a call that has returned; release by call(), acquire by overdue() */
	volatile word tail; /* messages ever received; release by drain(), acquire by room() */
	struct message ring[RING];
} __attribute__((aligned(64)));

static struct queue queues[MAX_HARTS][MAX_HARTS]; /* [receiver][sender] */

static u64 mix(u64 tag, u64 value)
{
	u64 x = (tag ^ value << 17 ^ value) * 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

static u64 tag_of(struct hart *from, struct hart *to, word seq, word kind)
{
	return (u64)kind << 56 | (u64)from->index << 48 | (u64)to->index << 40 | (seq & 0xffffffffffULL);
}

/* With interrupts off: queues a message. */
static void post(struct hart *h, struct hart *to, word kind, u64 value)
{
	struct queue *queue = &queues[to->index][h->index];
	word seq = queue->head;
	u64 tag = tag_of(h, to, seq, kind);
	queue->ring[seq % RING] = (struct message){ tag, value, mix(tag, value) };
	__atomic_store_n(&queue->head, seq + 1, __ATOMIC_RELEASE);
	h->sent++;
}

/* Everything queued for the hart before the call is announced when it returns. */
struct announcement {
	struct hart *to;
	word head;
};

static struct announcement announce(struct hart *h, struct hart *to)
{
	h->calls++;
	return (struct announcement){ to, queues[to->index][h->index].head };
}

static void send_ipi(struct hart *h, word mask, word base)
{
	long error = sbi_send_ipi(mask, base);
	if (error)
		fail("hart %lu: SBI send_ipi answered %ld", h->index, error);
}

/* With interrupts off, because a reply sent by the handler may have announced more in between. */
static void announced(struct hart *h, struct announcement announcement)
{
	struct queue *queue = &queues[announcement.to->index][h->index];
	if (queue->called < announcement.head)
		__atomic_store_n(&queue->called, announcement.head, __ATOMIC_RELEASE);
}

/* Interrupts one hart, with interrupts on or off. */
static void call(struct hart *h, struct hart *to)
{
	struct announcement announcement = announce(h, to);
	if (random(h, 2))
		send_ipi(h, 1UL << to->hartid, 0);
	else
		send_ipi(h, 1, to->hartid);
	word on = csr_read(sstatus) & SSTATUS_SIE;
	irq_off();
	announced(h, announcement);
	csr_set(sstatus, on);
}

/* Returns with interrupts off and room for one message that is not a reply. */
static void room(struct hart *h, struct hart *to)
{
	struct queue *queue = &queues[to->index][h->index];
	irq_off();
	while (queue->head - __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE) >= RING - ROOM_FOR_REPLIES) {
		irq_on();
		nap(h, microseconds(random(h, 50)));
		irq_off();
	}
}

/* Queues a message and interrupts the receiver, which may be the hart itself. */
void ipi_send(struct hart *h, struct hart *to, word kind, u64 value)
{
	room(h, to);
	post(h, to, kind, value);
	irq_on();
	call(h, to);
}

/* With interrupts off: a message to itself, which makes sip.SSIP pending soon. */
void ipi_self(struct hart *h)
{
	struct queue *queue = &queues[h->index][h->index];
	if (queue->head - queue->tail >= RING - ROOM_FOR_REPLIES)
		fail("hart %lu: %lu messages from itself are unread", h->index, queue->head - queue->tail);
	post(h, h, KIND_PLAIN, random(h, NONE));
	call(h, h);
}

static void send_many(struct hart *h)
{
	int all = random(h, 3) == 0;
	word mask = 0, targets = 0;
	struct announcement announcements[MAX_HARTS];
	for (word i = 0; i < machine.harts; i++) {
		if (!all && random(h, 2))
			continue;
		room(h, &harts[i]);
		post(h, &harts[i], KIND_PLAIN, random(h, NONE));
		irq_on();
		mask |= 1UL << harts[i].hartid;
		announcements[targets++] = announce(h, &harts[i]);
	}
	/* base -1 names every hart whatever the mask says (SBI chapter 3.1) */
	send_ipi(h, mask, all && !machine.harts_ignored ? NONE : 0);
	irq_off();
	for (word i = 0; i < targets; i++)
		announced(h, announcements[i]);
	irq_on();
}

static struct hart *anyone(struct hart *h) { return &harts[random(h, machine.harts)]; }

void ipi_await_replies(struct hart *h, word replies)
{
	for (word seen = h->replies; seen < replies; seen = h->replies)
		await(h, "replies, still missing", replies - seen, &h->replies, seen);
}

static void ask(struct hart *h, struct hart *to)
{
	word replies = h->replies;
	ipi_send(h, to, KIND_ASK, replies);
	ipi_await_replies(h, replies + 1);
}

void ipi_round(struct hart *h)
{
	doing(h, "sending messages", 0);
	for (word i = random(h, 4); i > 0; i--)
		ipi_send(h, anyone(h), KIND_PLAIN, random(h, NONE));
	switch (random(h, 4)) {
	case 0:
		return send_many(h);
	case 1:
		return ask(h, anyone(h));
	}
}

/*
 * Until asked, or for a while, without WFI: either without a trap of its own, so that the interrupt has to force its
 * way in, or trapping all the time, so that the interrupt meets a hart that comes and goes.
 */
static void spin_until_asked(struct hart *h, volatile word *asks, word seen, int trapping)
{
	doing(h, "the partner's question, spinning", seen);
	for (u64 start = now(); *asks == seen && now() - start < microseconds(SPIN_MICROSECONDS);)
		if (trapping)
			sbi_probe(SBI_BASE);
}

static void spin_in_user_mode(struct hart *h, volatile word *asks, word seen)
{
	doing(h, "the partner's question, in U-mode", seen);
	irq_off();
	timer_arm(h, now() + microseconds(SPIN_MICROSECONDS));
	if (*asks == seen)
		user_wait(fence_user_alias());
	irq_on();
}

/* Sleeps or spins until asked so many times, or makes the hart trap and return for other reasons at the same time. */
void duet_listen(struct hart *h, volatile word *asks, word until)
{
	for (word seen = *asks; seen != until; seen = *asks) {
		switch (random(h, machine.imsic ? 7 : 6)) {
		case 0:
			timer_round(h);
			break;
		case 1:
			count_round(h);
			break;
		case 6:
			masks_round(h);
			break;
		case 2:
		case 3:
			spin_until_asked(h, asks, seen, (int)random(h, 2));
			break;
		case 4:
			spin_in_user_mode(h, asks, seen);
			break;
		default:
			await(h, "the partner's question", seen, asks, seen);
		}
	}
}

/*
 * One side asks and sleeps until the reply comes; the other listens. The asking side goes faster now and then and
 * leaves messages behind.
 */
void ipi_duet(struct hart *h, struct hart *partner, int asks)
{
	if (asks) {
		for (word i = 0; i < DUET_ASKS; i++) {
			if (random(h, 3) == 0)
				ipi_send(h, partner, KIND_PLAIN, i);
			ask(h, partner);
		}
		return;
	}
	duet_listen(h, &h->asks, h->rest_asks + DUET_ASKS);
}

static void reply(struct hart *h, struct hart *to)
{
	post(h, to, KIND_REPLY, 0);
	call(h, to);
}

static void receive(struct hart *h, struct hart *from, const struct message *message)
{
	u64 seen = message->value;
	switch (message->tag >> 56) {
	case KIND_PLAIN:
		return;
	case KIND_REPLY:
		h->replies++;
		return;
	case KIND_CODE:
		seen = fence_run_code(from->index);
		break;
	case KIND_PAGE:
		seen = fence_read_page(from->index);
		break;
	default:
		h->asks++;
	}
	if (seen != message->value)
		fail("hart %lu: after the remote %s of hart %lu it sees %llx, not %llx", h->index,
		     message->tag >> 56 == KIND_CODE ? "fence.i" : "sfence.vma", from->index, seen, message->value);
	reply(h, from);
}

static word drain(struct hart *h)
{
	word count = 0;
	for (word i = 0; i < machine.harts; i++) {
		struct queue *queue = &queues[h->index][i];
		while (queue->tail != __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE)) {
			word seq = queue->tail;
			struct message message = queue->ring[seq % RING];
			u64 tag = tag_of(&harts[i], h, seq, message.tag >> 56);
			if (message.tag != tag || message.check != mix(tag, message.value))
				fail("hart %lu: message %lu of hart %lu is damaged: tag %llx, value %llx", h->index, seq,
				     i, message.tag, message.value);
			__atomic_store_n(&queue->tail, seq + 1, __ATOMIC_RELEASE);
			h->received++;
			count++;
			receive(h, &harts[i], &message);
		}
	}
	return count;
}

static void check_bound(struct hart *h)
{
	word taken = h->ssis - h->rest_ssis;
	word allowed = h->received + h->self_sets - h->rest_allowed;
	if (taken > allowed)
		fail("hart %lu: %lu software interrupts for %lu messages: one came from nowhere", h->index, taken,
		     allowed);
}

void ipi_interrupt(struct hart *h)
{
	h->ssis++;
	csr_clear(sip, SOFT);
	__asm__ volatile("fence rw, rw" : : : "memory"); /* the clear before the reads of the queues */
	if (!drain(h))
		h->empty++;
	check_bound(h);
}

/* The sender, plus 1, of a message that is unread although the call that announces it has returned, or 0. */
static word overdue(struct hart *h)
{
	for (word i = 0; i < machine.harts; i++) {
		struct queue *queue = &queues[h->index][i];
		if (__atomic_load_n(&queue->called, __ATOMIC_ACQUIRE) > queue->tail)
			return i + 1;
	}
	return 0;
}

/*
 * With interrupts off: a message announced and unread must have set sip.SSIP. The interrupt may be on its way while
 * this hart runs, so a miss sends the hart through the firmware and back, where a virtual CPU takes what is pending.
 */
void ipi_check_lost(struct hart *h)
{
	word sender = overdue(h);
	for (word tries = 0; sender && !(csr_read(sip) & SOFT); tries++) {
		if (tries == LOST_AFTER_TRIES)
			fail("hart %lu: an IPI of hart %lu was lost: its message is unread and sip.SSIP is 0", h->index,
			     sender - 1);
		sbi_probe(SBI_BASE);
	}
}

static word unread(struct hart *h)
{
	word count = 0;
	for (word i = 0; i < machine.harts; i++)
		count += __atomic_load_n(&queues[h->index][i].head, __ATOMIC_ACQUIRE) - queues[h->index][i].tail;
	return count;
}

/* When no hart sends any more: sleeps until everything sent to this hart was received. */
void ipi_rest(struct hart *h)
{
	for (word seen = h->received; unread(h); seen = h->received)
		await(h, "unread messages", unread(h), &h->received, seen);
}

/* When every hart has rested: starts the counts anew. */
void ipi_at_rest(struct hart *h)
{
	check_bound(h);
	h->rest_ssis = h->ssis;
	h->rest_allowed = h->received + h->self_sets;
	h->rest_asks = h->asks;
}

/* Prints the queues that are not empty. */
void ipi_describe(void)
{
	for (word to = 0; to < machine.harts; to++)
		for (word from = 0; from < machine.harts; from++) {
			struct queue *queue = &queues[to][from];
			if (queue->head != queue->tail)
				print("tick: hart %lu has not read %lu of %lu messages of hart %lu\r\n", to,
				      queue->head - queue->tail, queue->head, from);
		}
}
