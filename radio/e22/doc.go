// Package e22 drives EBYTE E22-900T22S LoRa modules, which hang on a UART and
// transmit whatever is written to them.
//
// A [Radio] is a [radio.Radio]: Send and Receive move whole frames, RSSI asks
// the module for its noise floor. [Open] takes the name of a serial port, [New]
// any [Port]. Frames are found again in the byte stream by [radio.StreamParser],
// so that a lost or a stray byte costs one burst.
//
// # Configuration
//
// [Registers] are the module's settings by name. [Radio.ReadRegisters] reads them;
// [Radio.WriteRegisters] writes them, reads them back and names what the module
// silently ignored in a [*RefusedError]. Both need configuration mode, M0 low
// and M1 high, in which the UART always runs at 9600 baud, 8N1. A board whose
// mode pins the program can set gives them as Settings.Pins; on any other the
// jumpers are the caller's to move before and after. The driver changes the
// port's speed itself where the port is a [SpeedSetter], as serial ports are.
//
// # What the module does to frames
//
// It collects bytes until its UART has been idle for three characters and
// sends them as one packet, or as several if they exceed its packet size. Two
// frames written too close together would therefore travel as one packet, with
// one RSSI byte for both. Send spaces frames by their time on the UART and a
// gap, and refuses a frame that does not fit a packet. While a packet is on the
// air the module goes on collecting, so a sender that outruns the air needs
// Settings.AUX, Settings.AirTime, or radio/link, which waits by itself.
//
// # Unplugging
//
// Where Settings.Open is set (and with [Open] always), a lost port is opened
// again with back-off, while Send and Receive wait for as long as their context
// allows. A frame that was being written is written again from its start:
// receivers may see it twice. A module that lost its power has lost the settings
// written with [UntilPowerOff].
//
// Registers, commands and timing are those of the E22-900T22S user manual
// (EBYTE). Configuration over the air (prefix CF CF) is not supported.
package e22
