package sweep

import (
	"bytes"
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
	"github.com/loralink/loralink-go/internal/inputfile"
)

// trainReport is the train_report.json of a model of a sweep.
type trainReport struct {
	train.Report
	// SweepKey identifies the training.
	SweepKey string `json:"sweep_key"`
}

// maxReport is the largest length of a train_report.json in bytes.
const maxReport = 64 << 20

// maxReportObjects is the largest number of objects in it: an epoch has one.
const maxReportObjects = 1 << 17

// findStored loads the models that are stored already, and returns an error if the others
// cannot be stored.
func (s *Settings) findStored(models []*model, windowsHash string) error {
	if s.Dir == "" {
		return nil
	}
	for _, m := range models {
		var err error
		if m.key, err = train.Key(windowsHash, &m.settings, m.method); err != nil {
			return fmt.Errorf("sweep: model %s: %w", m.id, err)
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
		if err := m.load(dir); err != nil {
			return fmt.Errorf("%w: %s: %w, want another folder", ErrExists, dir, err)
		}
		// This removes what a killed run left beside it. Nothing else is written there.
		_ = save.CheckTarget(dir, &save.Settings{Force: true})
	}
	return save.CheckTarget(filepath.Join(s.Dir, "probe"), &save.Settings{Force: true})
}

// load loads the stored model, if it is the result of the same training.
func (m *model) load(dir string) error {
	report, err := readReport(filepath.Join(dir, artifacts.TrainReportFile))
	if err != nil {
		return err
	}
	if report.SweepKey != m.key {
		return errors.New("found a model that was trained with other settings or on other windows")
	}
	m.report = &report.Report
	m.done, err = codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
	return err
}

func readReport(path string) (*trainReport, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, min(size, maxReport+1)))
	if err != nil {
		return nil, err
	}
	if len(b) > maxReport {
		return nil, fmt.Errorf("%s: found over %d bytes, want at most that many", path, maxReport)
	}
	if n := bytes.Count(b, []byte("{")); n > maxReportObjects {
		return nil, fmt.Errorf("%s: found %d objects, want at most %d", path, n, maxReportObjects)
	}
	var report trainReport
	if err := json.Unmarshal(b, &report); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &report, nil
}

// store writes the folder of a trained model, if Dir is set, and returns its codec.
func (s *Settings) store(m *model, result *train.Result) (*codec.BAM, error) {
	if s.Dir == "" {
		return codec.NewBAM(result.Model())
	}
	contents := result.Contents()
	contents.TrainReport = trainReport{result.Report, m.key}
	if contents.CreatedAt = s.CreatedAt; contents.CreatedAt.IsZero() {
		contents.CreatedAt = time.Now()
	}
	dir := filepath.Join(s.Dir, m.id)
	if _, err := save.Model(dir, contents, &save.Settings{Force: s.Force}); err != nil {
		return nil, err
	}
	return codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
}
