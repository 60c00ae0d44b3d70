package e22test

import (
	"slices"

	"github.com/loralink/loralink-go/radio/e22"
)

const productIDAddr = 0x80

// answer carries out a command in configuration mode. It is called with
// medium.mu held.
func (m *Module) answer(command []byte) {
	var out []byte
	if m.faults.Reject > 0 {
		m.faults.Reject--
	} else {
		out = m.execute(command)
	}
	if out == nil {
		out = []byte{0xFF, 0xFF, 0xFF}
	}
	switch {
	case m.faults.MuteAnswers > 0:
		m.faults.MuteAnswers--
		return
	case m.faults.ShortAnswers > 0:
		m.faults.ShortAnswers--
		out = out[:min(len(out), 5)]
	}
	m.output(slices.Concat(m.faults.Stray, out, m.faults.Trailing))
}

// execute returns the answer to a command, or nil if there is no such command.
func (m *Module) execute(command []byte) []byte {
	if len(command) < 3 {
		return nil
	}
	op, addr, n := command[0], int(command[1]), int(command[2])
	data := command[3:]
	head := []byte{0xC1, byte(addr), byte(n)}
	switch {
	case n == 0:
		return nil
	case op == 0xC1 && len(data) == 0 && addr+n <= len(m.live):
		read := m.live
		clear(read[e22.RegistersLen:]) // the key cannot be read
		return append(head, read[addr:addr+n]...)
	case op == 0xC1 && len(data) == 0 && addr >= productIDAddr && addr+n <= productIDAddr+len(productID):
		return append(head, productID[addr-productIDAddr:][:n]...)
	case (op == 0xC0 || op == 0xC2) && len(data) == n && addr+n <= len(m.live):
		m.write(&m.live, addr, data)
		if op == 0xC0 {
			m.write(&m.persistent, addr, data)
		}
		return append(head, data...) // what was asked for, even if it is ignored
	}
	return nil
}

// write changes registers, except for those in Faults.IgnoreRegisters.
func (m *Module) write(r *registers, addr int, data []byte) {
	before := r.named().Fields()
	copy(r[addr:], data)
	after := r.named()
	for i, f := range after.Fields() {
		if slices.Contains(m.faults.IgnoreRegisters, f.Name) ||
			slices.Contains(m.faults.IgnoreRegisters, f.Name+"="+f.Value) {
			_ = after.Set(f.Name, before[i].Value)
		}
	}
	if b, err := after.MarshalBinary(); err == nil {
		copy(r[:], b)
	}
}
