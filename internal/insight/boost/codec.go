package boost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Format and FormatVersion name the serialised form.
const (
	Format        = "capillary-boost"
	FormatVersion = 1
)

// envelope is the serialised form: the hash is over the compact JSON of the model as it stands in the file.
type envelope struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Hash    string          `json:"hash"`
	Model   json.RawMessage `json:"model"`
}

// Write stores a model. Equal models give equal bytes.
func Write(w io.Writer, m *Model) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("boost: model is not finite: %w", err)
	}
	text, err := json.Marshal(envelope{Format: Format, Version: FormatVersion, Hash: digest(body), Model: body})
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// Hash is the hash under which Write stores the model.
func (m *Model) Hash() (string, error) {
	body, err := json.Marshal(m)
	return digest(body), err
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Read reads what Write wrote. An altered file is BOOST_MODEL_ALTERED, one that is no model BOOST_MODEL.
func Read(r io.Reader) (*Model, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var e envelope
	if err := strict(text, &e); err != nil {
		return nil, err
	}
	if e.Format != Format || e.Version != FormatVersion {
		return nil, unsupported(fmt.Sprintf("格式 %q 版本 %d（支持 %s 版本 %d）", e.Format, e.Version, Format, FormatVersion),
			fmt.Sprintf("format %q version %d (%s version %d is read)", e.Format, e.Version, Format, FormatVersion))
	}
	var body bytes.Buffer
	if err := json.Compact(&body, e.Model); err != nil || digest(body.Bytes()) != e.Hash {
		return nil, altered()
	}
	m := &Model{}
	if err := strict(body.Bytes(), m); err != nil {
		return nil, err
	}
	return m, m.Check()
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("boost: reading the model: %w", err)
	}
	if len(text) > maxFile {
		return nil, unusable("file", fmt.Sprintf("文件超过 %d MiB", maxFile>>20), fmt.Sprintf("the file is larger than %d MiB", maxFile>>20))
	}
	return text, nil
}

// strict decodes one JSON value without unknown fields or anything behind it.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return decoded(d, d.Decode(into))
}

func decoded(d *json.Decoder, err error) error {
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return unusable("file", "模型之后还有内容", "something follows the model")
		}
		return nil
	}
	return unusable(fmt.Sprintf("byte %d", d.InputOffset()), "不是预期的 JSON："+err.Error(), "not the JSON expected: "+err.Error())
}
