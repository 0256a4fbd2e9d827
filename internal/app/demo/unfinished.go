package demo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// ReasonUnfinished says that an earlier run was interrupted.
var ReasonUnfinished = fault.Declare("DEMO_UNFINISHED", fault.Conflict, "上次建立演示数据时中断，{folder} 中的演示数据不完整", "An earlier run was interrupted: the demonstration in {folder} is not complete",
	"删除该数据目录后重新运行，或用 --data 另选目录", "Delete that data folder and run again, or choose another with --data")

// The mark stands in the data folder while a demonstration is being made, so that half of one is never
// shown as a whole one.
func mark(a *app.App) string { return filepath.Join(a.Config.DataDir, "demo.unfinished") }

// begun sets the mark, or refuses what an earlier run left behind.
func begun(a *app.App) error {
	switch _, err := os.Stat(mark(a)); {
	case errors.Is(err, fs.ErrNotExist):
		return os.WriteFile(mark(a), nil, 0o600)
	case err != nil:
		return err
	}
	all, err := a.Auth.Institutions(context.Background(), Institution)
	if err == nil && len(all) > 0 {
		err = fault.New(ReasonUnfinished, "folder", a.Config.DataDir)
	}
	return err
}

// finished takes the mark away.
func finished(a *app.App) error { return os.Remove(mark(a)) }
