/* Encodes windows and decodes payloads from standard input, for the tests of package
   export. Numbers are little-endian, on every processor.

   Input:  1, a window; or 2, n (2 bytes), a payload of n bytes.
   Output: the returned value (4 bytes); of a window, whether it is in range (1 byte)
           and the payload, of a payload the window. */
#include "truck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get(uint8_t *b, size_t n)
{
	if (fread(b, 1, n, stdin) != n) {
		exit(2);
	}
}

static void put_int(int v)
{
	int32_t n = v;
	int i;

	for (i = 0; i < 32; i += 8) {
		putchar((int)((uint32_t)n >> i & 255));
	}
}

int main(void)
{
	static uint8_t in[65536];
	int kind;

	while ((kind = getchar()) != EOF) {
		truck_window w;
		size_t i, j, n;
		int got;
		memset(&w, 0, sizeof w);
		if (kind == 1) {
			/* Of the exact size, so that a sanitizer sees what is out of it. */
			uint8_t *payload = malloc(TRUCK_MAX_PAYLOAD);
			get(in, 8 * TRUCK_VALUES);
			for (i = 0; i < TRUCK_VALUES; i++) {
				uint64_t bits = 0;
				for (j = 0; j < 8; j++) {
					bits |= (uint64_t)in[8 * i + j] << 8 * j;
				}
				memcpy(&w.value[i], &bits, sizeof bits);
			}
			got = truck_encode(payload, TRUCK_MAX_PAYLOAD, &w);
			put_int(got);
			putchar(truck_in_range(&w));
			if (got > 0) {
				fwrite(payload, 1, (size_t)got, stdout);
			}
			free(payload);
			continue;
		}
		get(in, 2);
		n = in[0] | (size_t)in[1] << 8;
		{
			uint8_t *payload = malloc(n > 0 ? n : 1);
			get(payload, n);
			got = truck_decode(&w, payload, n);
			free(payload);
		}
		put_int(got);
		for (i = 0; got == 0 && i < TRUCK_VALUES; i++) {
			uint64_t bits;
			memcpy(&bits, &w.value[i], sizeof bits);
			for (j = 0; j < 64; j += 8) {
				putchar((int)(bits >> j & 255));
			}
		}
	}
	return 0;
}
