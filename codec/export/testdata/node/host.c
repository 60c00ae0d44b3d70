/* Runs node.c on a POSIX host: sends the windows of standard input, little-endian doubles,
   over a terminal, for the tests of package export.

   usage: node terminal first-seq lose repeat

   Every lose-th frame is not written, and every repeat-th is written twice. */
#define _POSIX_C_SOURCE 200809L

#include "node.h"
#include "truck.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct host {
	int terminal;
	unsigned frames, lose, repeat;
};

static uint32_t host_millis(void *context)
{
	struct timespec t;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_sec * 1000 + (uint32_t)(t.tv_nsec / 1000000);
}

static int write_all(int file, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(file, bytes, n);
		if (done <= 0) {
			return -1;
		}
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int host_write(void *context, const uint8_t *bytes, size_t n)
{
	struct host *h = context;

	h->frames++;
	if (h->frames % h->lose == 0) {
		return 0;
	}
	if (h->frames % h->repeat == 0 && write_all(h->terminal, bytes, n) < 0) {
		return -1;
	}
	return write_all(h->terminal, bytes, n);
}

static int host_read(void *context, uint32_t timeout_ms)
{
	const struct host *h = context;
	struct pollfd p;
	uint8_t byte;

	p.fd = h->terminal;
	p.events = POLLIN;
	p.revents = 0;
	if (poll(&p, 1, (int)timeout_ms) <= 0 || read(h->terminal, &byte, 1) != 1) {
		return -1;
	}
	return byte;
}

int main(int argc, char **argv)
{
	struct host host = {-1, 0, 1, 1};
	struct node node;
	struct termios settings;
	truck_window w;
	uint8_t in[8 * TRUCK_VALUES], payload[TRUCK_MAX_PAYLOAD];
	unsigned windows = 0, attempts = 0;

	if (argc != 5) {
		fprintf(stderr, "usage: node terminal first-seq lose repeat\n");
		return 2;
	}
	host.lose = (unsigned)atoi(argv[3]);
	host.repeat = (unsigned)atoi(argv[4]);
	host.terminal = open(argv[1], O_RDWR | O_NOCTTY);
	if (host.terminal < 0 || tcgetattr(host.terminal, &settings) < 0) {
		perror(argv[1]);
		return 1;
	}
	settings.c_iflag = 0;
	settings.c_oflag = 0;
	settings.c_lflag = 0;
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	if (tcsetattr(host.terminal, TCSANOW, &settings) < 0) {
		perror(argv[1]);
		return 1;
	}
	memset(&node, 0, sizeof node);
	node.uart.context = &host;
	node.uart.write = host_write;
	node.uart.read = host_read;
	node.uart.millis = host_millis;
	node.seq = (uint8_t)atoi(argv[2]);
	node.ack_timeout_ms = 500;
	node.retries = 20;
	while (fread(in, 1, sizeof in, stdin) == sizeof in) {
		unsigned i, j;
		int n;
		for (i = 0; i < TRUCK_VALUES; i++) {
			uint64_t bits = 0;
			for (j = 0; j < 8; j++) {
				bits |= (uint64_t)in[8 * i + j] << 8 * j;
			}
			memcpy(&w.value[i], &bits, sizeof bits);
		}
		n = truck_encode(payload, sizeof payload, &w);
		if (n < 0) {
			fprintf(stderr, "window %u: error %d\n", windows, n);
			return 1;
		}
		n = node_send(&node, payload, (size_t)n);
		if (n < 0) {
			fprintf(stderr, "window %u: error %d of the node\n", windows, n);
			return 1;
		}
		windows++;
		attempts += (unsigned)n;
	}
	printf("%u windows in %u attempts\n", windows, attempts);
	close(host.terminal);
	return 0;
}
