package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
)

// trainReport is train_report.json of a swept model.
type trainReport struct {
	train.Report
	// SweepKey is a hash over the windows and all settings of the training.
	SweepKey string `json:"sweep_key"`
}

// maxReport is the longest train_report.json that is read, in bytes.
const maxReport = 64 << 20

// setKey computes what a finished model is known again by. It does not cover
// the program: a new version of a method takes Force.
func (m *model) setKey(windows string) error {
	b, err := json.Marshal(struct {
		Windows  string
		Settings train.Settings
		Split    string // its type; its fields are among the settings
		Name     string
		Method   train.Method
	}{windows, m.settings, fmt.Sprintf("%T", m.settings.Split), m.method.Name(), m.method})
	if err != nil {
		return fmt.Errorf("sweep: model %s: %w", m.id, err)
	}
	sum := sha256.Sum256(b)
	m.key = hex.EncodeToString(sum[:])
	return nil
}

// place finds the models that are finished, and sees to it that the others can
// be written, before any is trained.
func (s *Settings) place(models []*model, windows string) error {
	if s.Dir == "" {
		return nil
	}
	for _, m := range models {
		if err := m.setKey(windows); err != nil {
			return err
		}
		dir := filepath.Join(s.Dir, m.id)
		if s.Force {
			if err := save.CheckTarget(dir, &save.Settings{Force: true}); err != nil {
				return err
			}
			continue
		}
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		rep, err := readReport(filepath.Join(dir, artifacts.TrainReportFile))
		if err == nil && rep.SweepKey != m.key {
			err = errors.New("its model was trained with other settings or on other windows")
		}
		if err == nil {
			m.done, err = codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w: want a new folder, or force to replace it", ErrOther, dir, err)
		}
		m.report = &rep.Report
	}
	return save.CheckTarget(filepath.Join(s.Dir, "probe"), &save.Settings{Force: true})
}

func readReport(path string) (*trainReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxReport {
		return nil, fmt.Errorf("%s is over %d bytes", path, maxReport)
	}
	var rep trainReport
	if err := json.Unmarshal(b, &rep); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &rep, nil
}

// save writes a trained model's folder, where there is to be one, and returns
// its codec.
func (s *Settings) save(m *model, res *train.Result) (*codec.BAM, error) {
	if s.Dir == "" {
		return codec.NewBAM(res.Model())
	}
	set := res.Set()
	set.TrainReport = trainReport{res.Report, m.key}
	if set.CreatedAt = s.CreatedAt; set.CreatedAt.IsZero() {
		set.CreatedAt = time.Now()
	}
	dir := filepath.Join(s.Dir, m.id)
	if _, err := save.Model(dir, set, &save.Settings{Force: s.Force}); err != nil {
		return nil, err
	}
	return codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
}
