/* Linked lists: merge sort through comparison functions, search, reversal. */
#include "bench.h"

#define NODES 400
#define ROUNDS 5000

struct node {
  struct node *next;
  int16_t key;
  int16_t index;
};

typedef long (*compare)(const struct node *a, const struct node *b);

static struct node nodes[NODES];

CALLED static long by_key(const struct node *a, const struct node *b) { return a->key - b->key; }
CALLED static long by_index(const struct node *a, const struct node *b) { return a->index - b->index; }
CALLED static long by_low_bits(const struct node *a, const struct node *b) {
  return (a->key & 63) - (b->key & 63);
}

static struct node *merge(struct node *a, struct node *b, compare order) {
  struct node *head = NULL;
  struct node **tail = &head;
  while (a && b) {
    struct node **smaller = order(a, b) <= 0 ? &a : &b;
    *tail = *smaller;
    tail = &(*smaller)->next;
    *smaller = (*smaller)->next;
  }
  *tail = a ? a : b;
  return head;
}

CALLED static struct node *sort(struct node *list, long length, compare order) {
  if (length < 2) {
    if (list) list->next = NULL;
    return list;
  }
  long half = length / 2;
  struct node *second = list;
  for (long i = 0; i < half; i++) second = second->next;
  struct node *right = sort(second, length - half, order);
  return merge(sort(list, half, order), right, order);
}

CALLED static const struct node *find(const struct node *list, long key) {
  while (list && list->key != key) list = list->next;
  return list;
}

static struct node *reverse(struct node *list) {
  struct node *result = NULL;
  while (list) {
    struct node *next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

uint64_t run(void) {
  static const compare orders[] = {by_key, by_index, by_low_bits};
  uint32_t random = 1;
  uint64_t sum = 0;
  for (long i = 0; i < NODES; i++) {
    nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
    nodes[i].key = (int16_t)(next_random(&random) & 1023);
    nodes[i].index = (int16_t)i;
  }
  struct node *list = nodes;
  for (long round = 0; round < ROUNDS; round++) {
    list = sort(list, NODES, orders[round % 3]);
    for (long i = 0; i < 24; i++) {
      const struct node *found = find(list, next_random(&random) & 1023);
      sum = mix(sum, found ? (uint64_t)found->index : 4096);
    }
    list = reverse(list);
    sum = mix(sum, (uint64_t)list->index);
  }
  return sum;
}
