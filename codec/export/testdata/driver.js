// Decodes payloads from standard input with a script, for the tests of package export. The
// format is that of driver.c, without windows to encode.
'use strict';

var fs = require('fs');
var decode = new Function(fs.readFileSync(process.argv[2], 'utf8') + '\nreturn truck_decode;')();
var input = fs.readFileSync(0), out = [], at = 0;

while (at < input.length) {
	if (input[at++] !== 2) {
		process.exit(2);
	}
	var n = input[at] + 256 * input[at + 1];
	var got = decode(Array.prototype.slice.call(input, at + 2, at + 2 + n));
	at += 2 + n;
	var code = Buffer.alloc(4);
	code.writeInt32LE(typeof got === 'number' ? got : 0);
	out.push(code);
	if (typeof got !== 'number') {
		var values = Buffer.alloc(8 * got.length);
		got.forEach(function (v, i) {
			values.writeDoubleLE(v, 8 * i);
		});
		out.push(values);
	}
}
fs.writeFileSync(1, Buffer.concat(out));
