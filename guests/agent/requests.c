/* What requests consist of: numbers, and texts with a zero behind them. */
#include "agent.h"

static void take_bytes(struct request *request, void *to, size_t bytes) {
  memset(to, 0, bytes);
  if ((size_t)(request->end - request->at) < bytes) request->is_broken = 1;
  if (request->is_broken) return;
  memcpy(to, request->at, bytes);
  request->at += bytes;
}

uint32_t take_u32(struct request *request) {
  uint32_t value;
  take_bytes(request, &value, sizeof value);
  return value;
}

uint64_t take_u64(struct request *request) {
  uint64_t value;
  take_bytes(request, &value, sizeof value);
  return value;
}

const char *take_text(struct request *request) {
  const char *text = request->at;
  for (const char *at = text; !request->is_broken && at < request->end; at++)
    if (*at == 0) {
      request->at = at + 1;
      return text;
    }
  request->is_broken = 1;
  return "";
}

long take_texts(struct request *request, const char **to, long most) {
  uint32_t count = take_u32(request);
  if (count > (uint32_t)most) return -1;
  for (uint32_t i = 0; i < count; i++) to[i] = take_text(request);
  to[count] = NULL;
  return count;
}
