/* A target of libFuzzer: decodes any bytes, and encodes any window. */
#include "truck.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *payload;
	truck_window w;
	int n;

	memset(&w, 0, sizeof w);
	n = truck_decode(&w, data, size);
	if (n == 0) {
		/* It need not have the same payload, nor any. */
		payload = malloc(TRUCK_MAX_PAYLOAD);
		truck_encode(payload, TRUCK_MAX_PAYLOAD, &w);
		free(payload);
	}
	memcpy(w.value, data, size < sizeof w.value ? size : sizeof w.value);
	payload = malloc(TRUCK_MAX_PAYLOAD);
	n = truck_encode(payload, TRUCK_MAX_PAYLOAD, &w);
	if (n > TRUCK_MAX_PAYLOAD || n == 0 || n < -7) {
		abort();
	}
	free(payload);
	return 0;
}
