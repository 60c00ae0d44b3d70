/* Runs the vectors on an emulated Cortex-M and counts instructions and bytes of stack, for
   the tests of package export. It needs QEMU with semihosting and -icount. */
#include "truck.h"

#include <math.h>
#include <string.h>

#include "truck_vectors.h"

extern uint32_t stack_top;
void reset(void);

__attribute__((section(".vectors"), used)) static const void *const table[] = {&stack_top, (const void *)reset};

static volatile uint32_t *const systick = (volatile uint32_t *)0xe000e010;

static void semihost(uint32_t op, const void *arg)
{
	register uint32_t r0 __asm__("r0") = op;
	register const void *r1 __asm__("r1") = arg;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) { semihost(4, text); }

static void print_number(uint32_t n)
{
	char text[12];
	char *p = text + sizeof text - 1;

	*p = 0;
	do {
		*--p = (char)('0' + n % 10);
	} while ((n /= 10) > 0);
	print(p);
}

static void fail(const char *what, uint32_t i)
{
	print(what);
	print_number(i);
	print("\n");
	semihost(0x18, (const void *)0x20023);
}

/* What a call takes. */
struct use {
	uint64_t ticks;
	uint32_t calls, most, stack;
};

static struct use encoding, decoding, ranging;
static truck_window window;
static uint8_t payload[TRUCK_MAX_PAYLOAD];
static int result;

enum { PAINTED = 3000, PAINT = 0xa5a5a5a5 };

static void __attribute__((noinline)) call(int kind, size_t n)
{
	switch (kind) {
	case 0:
		result = truck_encode(payload, sizeof payload, &window);
		break;
	case 1:
		result = truck_decode(&window, payload, n);
		break;
	default:
		result = truck_in_range(&window);
	}
}

static void __attribute__((noinline)) measure(struct use *u, int kind, size_t n)
{
	volatile uint32_t *sp, *p;
	uint32_t before, after, ticks;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	for (p = sp - PAINTED / 4; p < sp; p++) {
		*p = PAINT;
	}
	before = systick[2];
	call(kind, n);
	after = systick[2];
	for (p = sp - PAINTED / 4; *p == PAINT; p++) {
	}
	ticks = (before - after) & 0xffffff;
	u->ticks += ticks;
	u->calls++;
	u->most = ticks > u->most ? ticks : u->most;
	/* Without the frame of call: two registers. */
	if ((uint32_t)((sp - p) * 4) - 8 > u->stack) {
		u->stack = (uint32_t)((sp - p) * 4) - 8;
	}
}

static void report(const char *name, const struct use *u, uint32_t ticks_per_million)
{
	print(name);
	print(" instructions ");
	print_number((uint32_t)(u->ticks * 1000000 / u->calls / ticks_per_million));
	print(" most ");
	print_number((uint32_t)((uint64_t)u->most * 1000000 / ticks_per_million));
	print(" stack ");
	print_number(u->stack);
	print("\n");
}

void reset(void)
{
	uint32_t i, n = 1000000, before, ticks;

#ifdef __ARM_FP
	*(volatile uint32_t *)0xe000ed88 |= 0xf00000; /* the FPU */
	__asm__ volatile("dsb\n isb");
#endif
	systick[1] = 0xffffff;
	systick[2] = 0;
	systick[0] = 5;
	/* A loop of a million instructions tells how many ticks one takes. */
	n = 500000;
	before = systick[2];
	__asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(n) : : "cc");
	ticks = (before - systick[2]) & 0xffffff;

	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		memcpy(window.value, vectors[i].window, sizeof window.value);
		measure(&encoding, 0, 0);
		if (result != vectors[i].encoded || (result > 0 && memcmp(payload, vectors[i].payload, (size_t)result) != 0)) {
			fail("window ", i);
		}
		measure(&ranging, 2, 0);
		if (result != (vectors[i].encoded > 0)) {
			fail("range of window ", i);
		}
		if (vectors[i].encoded < 0) {
			continue;
		}
		measure(&decoding, 1, (size_t)vectors[i].encoded);
		if (result != vectors[i].decoded || (result == 0 && memcmp(window.value, vectors[i].values, sizeof window.value) != 0)) {
			fail("payload ", i);
		}
	}
	report("encode", &encoding, ticks);
	report("in_range", &ranging, ticks);
	report("decode", &decoding, ticks);
	semihost(0x18, (const void *)0x20026);
	for (;;) {
	}
}
