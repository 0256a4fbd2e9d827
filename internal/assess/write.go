package assess

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Outputs name the files to write; an empty one is not written.
type Outputs struct {
	XLSX string
	JSON string
	HTML string
	Lang string // zh or en
}

// Write makes the reports, all at once. Each appears under its name only when it is complete.
func Write(ctx context.Context, r *Result, out Outputs) error {
	g, _ := errgroup.WithContext(ctx)
	for _, w := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{out.XLSX, func(w io.Writer) error { return writeXLSX(w, r, out.Lang) }},
		{out.JSON, func(w io.Writer) error { return writeJSON(w, r) }},
		{out.HTML, func(w io.Writer) error { return writeHTML(w, r, out.Lang) }},
	} {
		if w.path == "" {
			continue
		}
		g.Go(func() error {
			return writeWhole(w.path, func(f *os.File) error {
				b := bufio.NewWriterSize(f, 64<<10)
				if err := w.write(b); err != nil {
					return err
				}
				return b.Flush()
			})
		})
	}
	return g.Wait()
}

// writeWhole writes beside the target and renames, so that a reader never sees half a report.
func writeWhole(path string, write func(*os.File) error) error {
	refuse := func(err error) error {
		return fault.New(ReasonWrite, "file", path, "problem", plainError(err)).Wrap(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return refuse(err)
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644) //nolint:gosec // a report is for others to read, as any new file would be
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return refuse(err)
	}
	return nil
}
