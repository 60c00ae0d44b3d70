#include "node.h"

#include <string.h>

/* A frame is its payload's length, a sequence number and the payload. An acknowledgement
   is a frame whose payload is the sequence number of the frame it acknowledges. */
enum { HEADER = 2, SILENCE_MS = 40 };

/* Waits for the acknowledgement of a frame. Returns 1 if it came in time. */
static int acknowledged(const struct node *node, uint8_t seq)
{
	const struct node_uart *u = &node->uart;
	uint32_t begin = u->millis(u->context), waited = 0;

	while (waited < node->ack_timeout_ms) {
		int length = u->read(u->context, node->ack_timeout_ms - waited), byte = -1, i;

		/* Silence inside a frame ends it: what follows is a new one. */
		for (i = 0; length >= 0 && i < length + 1; i++) {
			byte = u->read(u->context, SILENCE_MS);
			if (byte < 0) {
				break;
			}
		}
		if (length == 1 && byte == seq && i == 2) {
			return 1;
		}
		waited = u->millis(u->context) - begin;
	}
	return 0;
}

int node_send(struct node *node, const uint8_t *payload, size_t n)
{
	const struct node_uart *u = &node->uart;
	uint8_t frame[HEADER + NODE_MAX_PAYLOAD], seq;
	unsigned attempt;

	if (n < NODE_MIN_PAYLOAD || n > NODE_MAX_PAYLOAD) {
		return NODE_ERR_LENGTH;
	}
	seq = node->seq++;
	frame[0] = (uint8_t)n;
	frame[1] = seq;
	memcpy(frame + HEADER, payload, n);
	for (attempt = 0; attempt <= node->retries; attempt++) {
		if (u->write(u->context, frame, HEADER + n) < 0) {
			return NODE_ERR_UART;
		}
		if (acknowledged(node, seq)) {
			return (int)attempt + 1;
		}
	}
	return NODE_ERR_NO_ACK;
}
