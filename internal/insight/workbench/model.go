package workbench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Format and FormatVersion name the file of a model.
const (
	Format        = "capillary-table-model"
	FormatVersion = 1
)

// Input is a column that a model reads. Boosted trees see the categories of a column as the numbers 0, 1, .. in the
// order they have here.
type Input struct {
	Name       string   `json:"name"`
	Numeric    bool     `json:"numeric"`
	Categories []string `json:"categories,omitempty"`
}

// Model is a trained model with all that scoring new rows needs.
type Model struct {
	Method Method                `json:"method"`
	Label  string                `json:"label,omitempty"`
	Bad    string                `json:"bad,omitempty"`
	Split  string                `json:"split,omitempty"`
	Inputs []Input               `json:"inputs"`
	Boost  *boost.Model          `json:"boost,omitempty"`
	Card   *scorecard.TableModel `json:"scorecard,omitempty"`
	Report *Report               `json:"report,omitempty"`
}

// Figures say how well a model separates.
type Figures struct {
	Rows  int     `json:"rows"`
	Bads  int     `json:"bads"`
	AUC   float64 `json:"auc"`
	KS    float64 `json:"ks"`
	Gini  float64 `json:"gini"`
	Brier float64 `json:"brier"`
}

// Report is what a training gives to judge it by.
type Report struct {
	Evaluated string   `json:"evaluated" doc:"test: on the rows that the split left out; train: on the training rows, because there are no others"`
	Train     Figures  `json:"train"`
	Test      *Figures `json:"test,omitempty"`
	Trees     int      `json:"trees,omitempty"`
	Features  []string `json:"features" doc:"by what they bring, most first"`
}

// Main are the figures to look at: those of the test rows when there are some.
func (r *Report) Main() Figures {
	if r.Test != nil {
		return *r.Test
	}
	return r.Train
}

type envelope struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Hash    string          `json:"hash"`
	Model   json.RawMessage `json:"model"`
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Save writes the model's file and gives its hash. Equal models give equal bytes.
func Save(w io.Writer, m *Model) (hash string, err error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	hash = digest(body)
	text, err := json.Marshal(envelope{Format, FormatVersion, hash, body})
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return hash, err
}

// maxFile bounds what Load reads.
const maxFile = 256 << 20

func modelFault(zh, en string) error {
	return fault.New(ReasonModelFile, "problem", en, "problem_zh", zh)
}

// Load reads a file that Save wrote, or takes in a model of XGBoost (JSON), LightGBM (text) or boost.Write, whose
// features are then expected as numeric columns. A wrong file is WORKBENCH_MODEL_FILE or a reason of boost.
func Load(r io.Reader) (*Model, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, modelFault(fmt.Sprintf("超过 %d MiB", maxFile>>20), fmt.Sprintf("it is larger than %d MiB", maxFile>>20))
	}
	var e envelope
	d := json.NewDecoder(bytes.NewReader(text))
	switch known := d.Decode(&e) == nil; {
	case known && e.Format == Format:
		return e.read()
	case known && e.Format == boost.Format:
		return imported(boost.Read(bytes.NewReader(text)))
	case bytes.HasPrefix(text, []byte("tree\n")) || bytes.HasPrefix(text, []byte("tree\r\n")):
		return imported(boost.ReadLightGBM(bytes.NewReader(text)))
	}
	return imported(boost.ReadXGBoost(bytes.NewReader(text)))
}

func (e *envelope) read() (*Model, error) {
	if e.Version != FormatVersion {
		return nil, modelFault(fmt.Sprintf("版本 %d 不支持", e.Version), fmt.Sprintf("version %d is not read", e.Version))
	}
	var body bytes.Buffer
	if err := json.Compact(&body, e.Model); err != nil || digest(body.Bytes()) != e.Hash {
		return nil, modelFault("内容与指纹不符，文件被改动或损坏", "it does not match its hash: it was changed or damaged")
	}
	m := &Model{}
	d := json.NewDecoder(&body)
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, modelFault("内容不是预期的："+err.Error(), "not what is expected: "+err.Error())
	}
	return m, m.check()
}

func imported(b *boost.Model, err error) (*Model, error) {
	if err != nil {
		return nil, err
	}
	m := &Model{Method: Boost, Boost: b}
	for _, name := range b.Features {
		m.Inputs = append(m.Inputs, Input{Name: name, Numeric: true})
	}
	return m, nil
}

// check holds the parts of a file together.
func (m *Model) check() error {
	var names []string
	for _, in := range m.Inputs {
		names = append(names, in.Name)
	}
	switch {
	case m.Method == Boost && m.Boost != nil && m.Card == nil:
		if !slices.Equal(names, m.Boost.Features) {
			return modelFault("输入列与模型特征不符", "the inputs are not the model's features")
		}
		return m.Boost.Check()
	case m.Method == Scorecard && m.Card != nil && m.Boost == nil:
		same := len(names) == len(m.Card.Characteristics)
		for i := 0; same && i < len(names); i++ {
			same = names[i] == m.Card.Characteristics[i].Name && m.Inputs[i].Numeric == m.Card.Characteristics[i].Numeric
		}
		if !same {
			return modelFault("输入列与评分卡特征不符", "the inputs are not the scorecard's characteristics")
		}
		if err := m.Card.Check(); err != nil {
			return modelFault(err.Error(), err.Error())
		}
		return nil
	}
	return modelFault(fmt.Sprintf("方法 %q 与内容不符", m.Method), fmt.Sprintf("the method %q does not match the content", m.Method))
}
