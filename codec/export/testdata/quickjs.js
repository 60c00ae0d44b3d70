// Decodes payloads from standard input in QuickJS as ChirpStack does, for the tests of
// package export: the script is a module that exports decodeUplink. The format is that of
// driver.c, without windows to encode. Needs the npm package quickjs-emscripten.
'use strict';

var fs = require('fs'), quickjs = require('quickjs-emscripten');

function number(v) {
	return v === '-0' ? -0 : v;
}

quickjs.getQuickJS().then(function (QuickJS) {
	var vm = QuickJS.newContext(), input = fs.readFileSync(0), out = [], at = 0;
	var module = vm.unwrapResult(vm.evalCode(fs.readFileSync(process.argv[2], 'utf8') + '\nexport { decodeUplink };\n', 'codec.js', {type: 'module'}));
	vm.setProp(vm.global, 'decodeUplink', vm.getProp(module, 'decodeUplink'));
	while (at < input.length) {
		var n = input[at + 1] + 256 * input[at + 2];
		var bytes = Array.prototype.slice.call(input, at + 3, at + 3 + n);
		at += 3 + n;
		var text = vm.unwrapResult(vm.evalCode('JSON.stringify(decodeUplink({bytes: [' + bytes + '], fPort: 1, variables: {}}), ' +
			'function (key, v) { return v === 0 && 1 / v < 0 ? "-0" : v; })')).consume(function (handle) {
			return vm.getString(handle);
		});
		var uplink = JSON.parse(text), code = Buffer.alloc(4), values = [];
		if (uplink.errors.length > 0) {
			code.writeInt32LE(/ bytes, want /.test(uplink.errors[0]) ? -5 : -6);
		}
		uplink.data.samples.forEach(function (sample) {
			Object.keys(sample).forEach(function (name) {
				values.push(number(sample[name]));
			});
		});
		var b = Buffer.alloc(8 * values.length);
		values.forEach(function (v, i) {
			b.writeDoubleLE(v, 8 * i);
		});
		out.push(code, b);
	}
	fs.writeFileSync(1, Buffer.concat(out));
	process.exit(0);
}).catch(function (err) {
	console.error(err);
	process.exit(1);
});
