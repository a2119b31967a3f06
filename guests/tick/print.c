/* Formatted output: %s %c %u %d %x (all integers are u64 or long: %lu, %ld, %lx) with an optional width. */
#include "tick.h"

struct sink {
	char *to;
	u64 size, length;
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->to[sink->length++] = c;
}

static void put_number(struct sink *sink, u64 value, u64 base, u64 width)
{
	char digits[24];
	u64 n = 0;
	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	for (; width > n; width--)
		put(sink, ' ');
	while (n)
		put(sink, digits[--n]);
}

static void put_text(struct sink *sink, const char *text, u64 width)
{
	u64 n = 0;
	for (; text[n]; n++)
		put(sink, text[n]);
	for (; width > n; width--)
		put(sink, ' ');
}

u64 vformat(char *to, u64 size, const char *text, __builtin_va_list args)
{
	struct sink sink = { to, size, 0 };
	for (; *text; text++) {
		if (*text != '%') {
			put(&sink, *text);
			continue;
		}
		u64 width = 0;
		for (text++; *text >= '0' && *text <= '9'; text++)
			width = width * 10 + (u64)(*text - '0');
		if (*text == 'l')
			text++;
		if (*text == 's')
			put_text(&sink, __builtin_va_arg(args, const char *), width);
		else if (*text == 'c')
			put(&sink, (char)__builtin_va_arg(args, int));
		else if (*text == 'x')
			put_number(&sink, __builtin_va_arg(args, u64), 16, width);
		else if (*text == 'u')
			put_number(&sink, __builtin_va_arg(args, u64), 10, width);
		else if (*text == 'd') {
			long value = __builtin_va_arg(args, long);
			if (value < 0)
				put(&sink, '-');
			put_number(&sink, value < 0 ? -(u64)value : (u64)value, 10, width);
		} else
			put(&sink, *text);
	}
	to[sink.length] = 0;
	return sink.length;
}

u64 format(char *to, u64 size, const char *text, ...)
{
	__builtin_va_list args;
	__builtin_va_start(args, text);
	u64 length = vformat(to, size, text, args);
	__builtin_va_end(args);
	return length;
}

void print(const char *text, ...)
{
	char line[256];
	__builtin_va_list args;
	__builtin_va_start(args, text);
	u64 length = vformat(line, sizeof line, text, args);
	__builtin_va_end(args);
	uart_write(line, length);
}
