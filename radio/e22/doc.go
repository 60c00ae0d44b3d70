// Package e22 drives EBYTE E22-900T22S LoRa modules. Such a module is connected by
// a UART and transmits the bytes that are written to it.
//
// A [Radio] is a [radio.Radio]: Send and Receive carry whole frames, and RSSI asks
// the module for signal strengths. [Open] opens a serial port by name, [New] takes
// any [Port]. A [radio.StreamParser] finds frames in the bytes that are received,
// so a lost or stray byte costs at most one burst.
//
// Two structs must not be confused. [Settings] are those of the driver.
// [Registers] are stored in the module.
//
// # Registers
//
// [Radio.ReadRegisters] reads the registers. [Radio.WriteRegisters] writes them,
// reads them back, and lists those that the module ignored in an
// [*IgnoredError]. Both need the module in configuration mode, which is pin M0 low
// and pin M1 high; its UART then always runs at 9600 baud, 8N1. On a board whose
// mode pins a program can set, set Settings.Pins. On any other board, move the
// jumpers before and after. If the port is a [SpeedSetter], as serial ports are,
// the driver changes its speed itself.
//
// # Packets
//
// The module collects bytes until its UART has been idle for three characters. It
// then sends them as one packet, or as several if they exceed its packet size. Two
// frames that are written too close together would travel as one packet, with one
// RSSI byte for both. Send therefore spaces frames by their time on the UART and a
// gap, and refuses a frame that does not fit a packet.
//
// While a packet is on the air, the module continues to collect bytes. A program
// that sends faster than the air carries needs Settings.AUX or Settings.TimeOnAir.
// Package radio/link waits for the time on air itself and needs neither.
//
// # Unplugging
//
// If Settings.Open is set, and with [Open] always, the driver opens a lost port
// again, with waits that grow. Meanwhile Send and Receive wait until their context
// ends. A frame that was being written is written again from its start, so
// receivers may get it twice. A module that lost its power has lost the registers
// that were written with [Volatile].
//
// Registers, commands and times are those of EBYTE's user manual of the
// E22-900T22S, chapter "Register description"; the manual of the E22-900T30S, which
// differs in power only, is at
// https://www.manualshelf.com/manual/ebyte/e22-900t30s/1-users-manual-english.html.
// Configuration over the air (prefix CF CF) is not supported. Package
// radio/e22/e22test simulates modules.
package e22
