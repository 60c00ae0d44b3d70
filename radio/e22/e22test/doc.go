// Package e22test simulates E22-900T22S modules, for programs that drive real
// ones with package e22.
//
// A [Module] has registers, modes, an AUX pin and a UART at its baud rate; it
// collects bytes into packets as the real one does, with all that follows for
// programs that write too fast. Modules share an [Air], which takes the time on
// air, loses packets by a seed and has those that overlap destroy each other.
// [Faults] and [Module.Unplug] do on demand what the field does unasked.
//
// A program reaches a module over memory, [Module.Open], which also runs in the
// virtual time of a testing/synctest bubble, or on Linux over a pseudo-terminal,
// [Module.ServePTY], whose path it opens like that of a real port.
//
// Not simulated: the repeater, wake-on-radio (a module in WOR mode hears
// nothing), capture of the stronger of two packets, and configuration over the
// air. A packet starts only once the UART has been idle for three characters,
// even if it was full before.
package e22test
