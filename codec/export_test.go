package codec

import (
	"io/fs"

	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// What tests outside the package take from inside.

var ParseGrid = parseGrid

// ParseLadder builds the codec of a ladder's text, whose paths lead into fsys.
func ParseLadder(fsys fs.FS, data []byte) (*Ladder, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.parseLadder(LadderFile, data)
}

// Beyond is the first value that is not within its tolerance; -1: none.
func (b *Ladder) Beyond(want, got []float64) int { return b.beyond(want, got) }

// Top is the highest level of a dimension.
func (g *Grid) Top(dim int) uint64 { return g.top[dim] }

// Model is the model behind the codec.
func (c *EntropyGrid) Model() *entropygrid.Model { return c.model }

const MaxFile = entropygrid.MaxFile // the largest file of any codec but a model
