package bank

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// record is one line of the file: an account opened, a payment decided or a mandate stopped.
type record struct {
	Account *Account `json:"account,omitempty"`
	Payment *Payment `json:"payment,omitempty"`
	Stopped string   `json:"stopped_mandate,omitempty"`
}

// logFile appends records and syncs each before it is answered; without a path
// it keeps nothing.
type logFile struct{ f *os.File }

// openLog opens the file and hands every complete record in it to replay. A
// last line without its end is the trace of a crash and is cut off.
func openLog(path string, replay func(record)) (*logFile, error) {
	if path == "" {
		return &logFile{}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's path
	if err != nil {
		return nil, fmt.Errorf("bank simulator: %w", err)
	}
	r := bufio.NewReader(f)
	var good int64
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("bank simulator: %w", err), f.Close())
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, errors.Join(fmt.Errorf("bank simulator: %s at byte %d: %w", path, good, err), f.Close())
		}
		replay(rec)
		good += int64(len(line))
	}
	if err := f.Truncate(good); err != nil {
		return nil, errors.Join(fmt.Errorf("bank simulator: %w", err), f.Close())
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("bank simulator: %w", err), f.Close())
	}
	return &logFile{f: f}, nil
}

func (l *logFile) append(r record) error {
	if l.f == nil {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("bank simulator: %w", err)
	}
	if _, err := l.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("bank simulator: %w", err)
	}
	return l.f.Sync()
}

func (l *logFile) close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
