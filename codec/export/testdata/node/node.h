/* A node that sends payloads in frames of version 1 over a UART, to a radio module that
   sends what it is given (E22 in transparent mode). No heap, no variables outside
   functions. Copy it into a firmware. */
#ifndef NODE_H
#define NODE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	NODE_MIN_PAYLOAD = 2,   /* a frame with one byte is an acknowledgement */
	NODE_MAX_PAYLOAD = 238, /* a module's packet has 240 bytes */

	NODE_ERR_LENGTH = -1, /* the payload has fewer or more bytes */
	NODE_ERR_UART = -2,   /* the UART did not take the frame */
	NODE_ERR_NO_ACK = -3  /* no attempt was acknowledged */
};

/* What the node needs of the microcontroller. context is passed to each function. */
struct node_uart {
	void *context;
	/* Writes n bytes and returns 0, or a negative number after a failure. */
	int (*write)(void *context, const uint8_t *bytes, size_t n);
	/* Returns the next received byte, or -1 if there is none within so many ms. */
	int (*read)(void *context, uint32_t timeout_ms);
	/* Returns a clock in ms, which may wrap. */
	uint32_t (*millis)(void *context);
};

struct node {
	struct node_uart uart;
	/* Sequence number of the next frame. Keep it over a reset, or begin at random: the
	   receiver takes a frame of the same number and payload for a repetition. */
	uint8_t seq;
	uint32_t ack_timeout_ms; /* time from a frame to its acknowledgement, both UARTs included */
	unsigned retries;        /* attempts after the first */
};

/* Sends a payload until it is acknowledged. Returns the number of attempts, or an error.
   Either way the next payload gets the next sequence number. */
int node_send(struct node *node, const uint8_t *payload, size_t n);

#ifdef __cplusplus
}
#endif

#endif
