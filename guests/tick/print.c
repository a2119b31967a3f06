/* Formatted output: %s %c %u %d %x (integers are words or long, or u64: %lu, %ld, %lx, %llu, %llx), optionally a width. */
#include "tick.h"

struct sink {
	char *to;
	word size, length;
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->to[sink->length++] = c;
}

static void put_number(struct sink *sink, u64 value, word base, word width)
{
	char digits[24];
	word n = 0;
	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	for (; width > n; width--)
		put(sink, ' ');
	while (n)
		put(sink, digits[--n]);
}

static void put_text(struct sink *sink, const char *text, word width)
{
	word n = 0;
	for (; text[n]; n++)
		put(sink, text[n]);
	for (; width > n; width--)
		put(sink, ' ');
}

/* An argument of %lu and %lx, or of %llu and %llx. */
#define NUMBER(wide, args) ((wide) ? __builtin_va_arg(args, u64) : __builtin_va_arg(args, word))

word vformat(char *to, word size, const char *text, __builtin_va_list args)
{
	struct sink sink = { to, size, 0 };
	for (; *text; text++) {
		if (*text != '%') {
			put(&sink, *text);
			continue;
		}
		word width = 0;
		for (text++; *text >= '0' && *text <= '9'; text++)
			width = width * 10 + (word)(*text - '0');
		int longs = 0;
		for (; *text == 'l'; text++)
			longs++;
		if (*text == 's')
			put_text(&sink, __builtin_va_arg(args, const char *), width);
		else if (*text == 'c')
			put(&sink, (char)__builtin_va_arg(args, int));
		else if (*text == 'x')
			put_number(&sink, NUMBER(longs == 2, args), 16, width);
		else if (*text == 'u')
			put_number(&sink, NUMBER(longs == 2, args), 10, width);
		else if (*text == 'd') {
			long value = __builtin_va_arg(args, long);
			if (value < 0)
				put(&sink, '-');
			put_number(&sink, value < 0 ? -(word)value : (word)value, 10, width);
		} else
			put(&sink, *text);
	}
	to[sink.length] = 0;
	return sink.length;
}

word format(char *to, word size, const char *text, ...)
{
	__builtin_va_list args;
	__builtin_va_start(args, text);
	word length = vformat(to, size, text, args);
	__builtin_va_end(args);
	return length;
}

void print(const char *text, ...)
{
	char line[256];
	__builtin_va_list args;
	__builtin_va_start(args, text);
	word length = vformat(line, sizeof line, text, args);
	__builtin_va_end(args);
	uart_write(line, length);
}
