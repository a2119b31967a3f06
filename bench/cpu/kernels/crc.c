/* Cyclic redundancy checks: CRC-16 bit by bit through a call for each byte, CRC-32 through a table. */
#include "bench.h"

#define SIZE 4096
#define ROUNDS 1600

static uint8_t data[SIZE];
static uint32_t table[256];

CALLED static uint16_t crc16_byte(uint8_t byte, uint16_t crc) {
  for (int bit = 0; bit < 8; bit++) {
    int carry = (byte ^ crc) & 1;
    byte >>= 1;
    crc >>= 1;
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

CALLED static uint32_t crc32(uint32_t crc) {
  crc = ~crc;
  for (long i = 0; i < SIZE; i++) crc = table[(crc ^ data[i]) & 255] ^ (crc >> 8);
  return ~crc;
}

uint64_t run(void) {
  uint32_t random = 4;
  for (long i = 0; i < SIZE; i++) data[i] = (uint8_t)next_random(&random);
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t entry = i;
    for (int bit = 0; bit < 8; bit++) entry = (entry >> 1) ^ ((entry & 1) ? 0xedb88320u : 0);
    table[i] = entry;
  }
  uint16_t crc16 = 0;
  uint32_t sum32 = 0;
  for (long round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < SIZE; i++) crc16 = crc16_byte(data[i], crc16);
    for (long i = 0; i < 8; i++) sum32 = crc32(sum32);
    data[round % SIZE] ^= (uint8_t)sum32;
  }
  return mix(sum32, crc16);
}
