package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/lending/eod"
)

func (c *cli) importCommand() *cobra.Command {
	var institution string
	var o intake.Options
	var direction string
	cmd := &cobra.Command{
		Use: "import FILE...", Args: cobra.MinimumNArgs(1), Short: c.tr("导入企业清单与发票文件", "import firm lists and invoice files"),
		Long: c.tr("读取 CSV、CSV.gz、XLSX（UTF-8 或 GB18030），按表头识别内容；每个文件整体可见或整体不可见，同一文件再次导入不产生变化。",
			"Reads CSV, CSV.gz and XLSX (UTF-8 or GB18030) and recognises what they hold by their header; a file becomes visible at once or not at all, and the same file again changes nothing."),
		Example: "  capillary import firms.csv purchases.csv.gz sales.xlsx --institution demo\n  capillary import sales.csv --create-missing",
		RunE: func(cmd *cobra.Command, args []string) error {
			if direction != "" {
				if err := o.Direction.UnmarshalText([]byte(direction)); err != nil {
					return &usageError{err}
				}
			}
			return c.withData(cmd.Context(), func(a *app.App) error {
				p, _, err := c.operator(cmd.Context(), a, institution)
				if err != nil {
					return err
				}
				for _, file := range args {
					b, err := c.importOne(cmd, a, func(name string, f *os.File, progress func(done, total int64)) (intake.Batch, error) {
						return a.Intake.ImportFile(cmd.Context(), p, name, f, o, progress)
					}, file)
					if err != nil {
						return fmt.Errorf("%s: %w", file, err)
					}
					c.printBatch(cmd, a, b)
				}
				return nil
			})
		},
	}
	c.institutionFlag(cmd, &institution)
	cmd.Flags().BoolVar(&o.CreateMissing, "create-missing", false, c.tr("自动建立文件中出现的未知企业", "make firms for unknown codes"))
	cmd.Flags().StringVar(&o.FirmCode, "firm", "", c.tr("文件没有企业列时，全部行所属的企业代号", "firm that owns every row, for files without a firm column"))
	cmd.Flags().StringVar(&direction, "direction", "", c.tr("purchase（进项）或 sale（销项），默认由表头识别", "purchase or sale, recognised from the header by default"))
	return cmd
}

func (c *cli) importOne(cmd *cobra.Command, _ *app.App, run func(string, *os.File, func(done, total int64)) (intake.Batch, error), file string) (intake.Batch, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return intake.Batch{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	bar := newBar(cmd.ErrOrStderr(), filepath.Base(file))
	defer bar.end()
	return run(filepath.Base(file), f, bar.set)
}

func (c *cli) printBatch(cmd *cobra.Command, a *app.App, b intake.Batch) {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	r := b.Report
	states := map[string]string{intake.StateCommitted: c.tr("已导入", "imported"), intake.StateUnchanged: c.tr("此前已导入，无变化", "imported before, nothing changed"), intake.StateFailed: c.tr("失败", "failed")}
	fmt.Fprintf(w, "%s\t%s\n", b.FileName, states[b.State])
	for _, row := range []struct {
		zh, en string
		n      int64
	}{
		{"行数", "rows", r.Rows},
		{"新增", "new", b.Inserted},
		{"已存在", "known already", b.Known},
		{"有效", "valid", r.Valid},
		{"作废", "void", r.Void},
		{"其中含多余空格", "of which with stray blanks", r.VoidPadded},
		{"红字（负数）", "red-letter", r.Red},
		{"零金额", "zero", r.Zero},
		{"重复行", "duplicate rows", r.Duplicate},
		{"金额不平", "net + tax differs from gross", r.Mismatch},
		{"拒收行数", "rows refused", r.Rejected},
		{"其中企业未知", "of which of unknown firms", r.UnknownFirm},
		{"错误", "errors", r.ErrorCount},
	} {
		if row.n != 0 {
			fmt.Fprintf(w, "  %s\t%d\n", c.tr(row.zh, row.en), row.n)
		}
	}
	_ = w.Flush()
	if r.ErrorCount > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), c.tr("  逐行错误可在控制台“导入”页下载（%s）\n", "  every bad row can be downloaded on the imports page of the console (%s)\n"), b.ID)
	}
	_ = a
}

func (c *cli) verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Args: cobra.NoArgs, Short: c.tr("离线核验：审计链、日记账、余额与各项推算数据", "check offline: audit chain, journal, balances and every projection"),
		Long:    c.tr("重新推算并逐项比对；任何差异以退出码 1 结束。", "Recomputes and compares everything; any difference ends with exit code 1."),
		Example: "  capillary verify --data ./data",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withData(cmd.Context(), func(a *app.App) error {
				checks, err := a.Verify(cmd.Context())
				if err != nil {
					return err
				}
				bad := 0
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				for _, x := range checks {
					mark := "ok"
					if len(x.Problems) > 0 {
						mark, bad = "FAIL", bad+len(x.Problems)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", mark, x.Institution, c.tr(x.Zh, x.En), x.Checked, x.Detail)
					for _, problem := range x.Problems {
						fmt.Fprintf(w, "\t\t  %s\n", problem)
					}
				}
				if err := w.Flush(); err != nil {
					return err
				}
				if bad > 0 {
					return fmt.Errorf(c.tr("发现 %d 处不一致", "%d differences found"), bad)
				}
				fmt.Fprintln(cmd.OutOrStdout(), c.tr("全部一致", "everything agrees"))
				return nil
			})
		},
	}
	return cmd
}

func (c *cli) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Args: cobra.ExactArgs(1), Short: c.tr("备份数据库与文件（不含密钥）", "back up database and files, without keys"),
		Long: c.tr("在服务运行时写出一致的快照；SQLite 的备份可恢复到 PostgreSQL，反之亦然。密钥文件 keys.json 请另行保存。",
			"Writes one consistent snapshot while the server runs; a backup of SQLite restores into PostgreSQL and the reverse. Keep keys.json apart from it."),
		Example: "  capillary backup /backup/capillary-2026-06-30.tar.gz",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withData(cmd.Context(), func(a *app.App) error {
				tmp := args[0] + ".part"
				f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
				if err != nil {
					return err
				}
				m, err := app.Backup(cmd.Context(), a.DB, a.FilesDir(), f, func(part string, rows int64) {
					fmt.Fprintf(cmd.ErrOrStderr(), "  %-40s %d\n", part, rows)
				})
				if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
					return errors.Join(err, os.Remove(tmp))
				}
				if err := os.Rename(tmp, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), c.tr("已备份 %d 张表、%d 个文件到 %s；请另行保存 %s\n", "%d tables and %d files backed up to %s; keep %s apart from it\n"), len(m.Tables), len(m.Files), args[0], a.Config.Keys())
				return nil
			})
		},
	}
}

func (c *cli) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Args: cobra.ExactArgs(1), Short: c.tr("把备份恢复到空的数据库", "restore a backup into an empty database"),
		Example: "  capillary restore /backup/capillary-2026-06-30.tar.gz --data ./restored\n  capillary verify --data ./restored",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close() //nolint:errcheck // read only
			cfg, err := c.config()
			if err != nil {
				return err
			}
			_, keyless := os.Stat(cfg.Keys())
			return c.withApp(cmd.Context(), func(a *app.App) error {
				m, err := app.Restore(cmd.Context(), a.DB, a.FilesDir(), f, func(part string, rows int64) {
					fmt.Fprintf(cmd.ErrOrStderr(), "  %-40s %d\n", part, rows)
				})
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), c.tr("已恢复 %d 张表、%d 个文件；接着运行 `capillary verify` 核验\n", "%d tables and %d files restored; run `capillary verify` next\n"), len(m.Tables), len(m.Files))
				}
				if err == nil && errors.Is(keyless, os.ErrNotExist) {
					// The keys made for the empty database open nothing of what is in it now.
					err = os.Remove(cfg.Keys())
					fmt.Fprintf(cmd.OutOrStdout(), c.tr("请先把原系统的密钥文件放到 %s\n", "first put the key file of the system it came from at %s\n"), cfg.Keys())
				}
				return err
			})
		},
	}
}

func (c *cli) eodCommand() *cobra.Command {
	var institution, to string
	cmd := &cobra.Command{
		Use: "eod", Args: cobra.NoArgs, Short: c.tr("日终：计息、扣款、切换营业日", "end of day: interest, collections, next business date"),
		Example: "  capillary eod --institution demo\n  capillary eod --to 2026-07-31",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withData(cmd.Context(), func(a *app.App) error {
				p, inst, err := c.operator(cmd.Context(), a, institution)
				if err != nil {
					return err
				}
				target := inst.BusinessDate.AddDays(1)
				if to != "" {
					if target, err = calendar.Parse(to); err != nil {
						return &usageError{fmt.Errorf("--to: %w", err)}
					}
				}
				return c.endDays(cmd.Context(), cmd, a, func(progress eod.Progress) ([]eod.Run, error) { return a.EOD.Until(cmd.Context(), p, target, progress) })
			})
		},
	}
	c.institutionFlag(cmd, &institution)
	cmd.Flags().StringVar(&to, "to", "", c.tr("推进到该营业日（默认下一日）", "business date to reach (default: the next day)"))
	return cmd
}

func (c *cli) endDays(ctx context.Context, cmd *cobra.Command, a *app.App, run func(eod.Progress) ([]eod.Run, error)) error {
	bar := newBar(cmd.ErrOrStderr(), c.tr("日终", "end of day"))
	runs, err := run(func(_ eod.Step, done, total int64) error { bar.set(done, total); return ctx.Err() })
	bar.end()
	if err != nil {
		return err
	}
	if _, err := a.Dispatcher.Drain(ctx); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), c.tr("已完成 %d 个营业日\n", "%d business days ended\n"), len(runs))
	return nil
}
