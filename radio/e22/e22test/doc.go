// Package e22test simulates E22-900T22S modules, to test programs that drive real
// ones with package e22.
//
// A [Module] has registers, modes, an AUX pin and a UART with a baud rate. It
// collects bytes into packets as a real one does, so a program that writes too fast
// sees the same effects. Modules share a [Medium]: packets take their time on air,
// are lost at random, and destroy each other if they overlap. [Faults] and
// [Module.Unplug] cause the failures of real modules on demand.
//
// A program reaches a module in memory, by [Module.Drive] or [Module.Open], which
// also works in the virtual time of a testing/synctest bubble. On Linux it can use a
// pseudo-terminal instead, [Module.ServePTY], and open its path as that of a real
// port.
//
// Not simulated are the repeater, wake-on-radio (a module in that mode receives
// nothing), reception of the stronger of two packets that overlap, and
// configuration over the air. A module transmits a packet only when its UART has
// been idle for three characters, even if the packet was full before.
package e22test
