package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/assess"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/observe"
)

func (c *cli) commands() []*cobra.Command {
	return []*cobra.Command{
		c.serveCommand(), c.healthCommand(), c.demoCommand(), assess.Command(c.lang), c.importCommand(), c.migrateCommand(), c.institutionCommand(), c.userCommand(),
		c.verifyCommand(), c.backupCommand(), c.restoreCommand(), c.eodCommand(), c.openapiCommand(), c.configCommand(), c.simulateCommand(), c.modelCommand(), c.selftestCommand(), c.versionCommand(),
	}
}

// withApp opens the whole system for one command and closes it after. Logs go to standard error.
func (c *cli) withApp(ctx context.Context, fn func(a *app.App) error) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, observe.NewLogger(os.Stderr, cfg.LogLevel, cfg.LogFormat))
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.Close())
}

// withData is withApp for commands that work on what is there: a mistyped folder is an error, and no new
// empty database is made in it, whose backup or verification would be worth nothing.
func (c *cli) withData(ctx context.Context, fn func(a *app.App) error) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if cfg.PostgresDSN == "" {
		if _, err := os.Stat(cfg.Database()); errors.Is(err, fs.ErrNotExist) {
			return fault.New(app.ReasonNoDatabase, "file", cfg.Database())
		}
	}
	return c.withApp(ctx, fn)
}

// operator is the principal of a command on one institution, found by code or, when there is only one,
// by itself.
func (c *cli) operator(ctx context.Context, a *app.App, code string) (auth.Principal, auth.Institution, error) {
	all, err := a.Auth.Institutions(ctx, code)
	switch {
	case err != nil:
		return auth.Principal{}, auth.Institution{}, err
	case len(all) == 0 && code != "":
		return auth.Principal{}, auth.Institution{}, errors.New(c.tr("没有代码为 "+code+" 的机构；用 `capillary institution list` 查看", "no institution has the code "+code+"; see `capillary institution list`"))
	case len(all) == 0:
		return auth.Principal{}, auth.Institution{}, errors.New(c.tr("还没有机构；用 `capillary institution create` 新建，或 `capillary demo` 建立演示机构", "there is no institution yet; make one with `capillary institution create`, or try `capillary demo`"))
	case len(all) > 1:
		var codes []string
		for _, i := range all {
			codes = append(codes, i.Code)
		}
		return auth.Principal{}, auth.Institution{}, &usageError{errors.New(c.tr("有多家机构，请用 --institution 指定其一：", "several institutions: choose one with --institution: ") + strings.Join(codes, ", "))}
	}
	p := auth.SystemPrincipal(all[0].ID, "cli")
	p.Lang = c.lang
	return p, all[0], nil
}

func (c *cli) institutionFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "institution", "", c.tr("机构代码（只有一家时可省略）", "institution code (may be left out when there is one)"))
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Args: cobra.NoArgs, Short: c.tr("显示版本", "show the version"), Example: "  capillary version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "capillary "+app.Version)
			return nil
		},
	}
}

func (c *cli) serveCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Args: cobra.NoArgs, Short: c.tr("启动服务（控制台、接口与后台任务）", "run the server: console, API, background work"),
		Example: "  capillary serve\n  capillary serve --config /etc/capillary/capillary.yaml\n  CAPILLARY_DATABASE_POSTGRES_DSN=postgres://... capillary serve --listen 0.0.0.0:8080",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if listen != "" {
				c.sets = append(c.sets, "listen="+listen)
			}
			return c.withApp(cmd.Context(), func(a *app.App) error {
				return a.Serve(cmd.Context(), func(addr string) {
					a.Log.Info("ready", "url", "http://"+addr, "database", string(a.DB.Dialect()), "version", app.Version)
				})
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", c.tr("监听地址", "address to listen on"))
	return cmd
}

func (c *cli) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Args: cobra.NoArgs, Short: c.tr("把数据库结构升级到最新", "bring the database schema to head"), Example: "  capillary migrate",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withApp(cmd.Context(), func(a *app.App) error {
				s, err := a.DB.Schema(cmd.Context())
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), c.tr("数据库（%s）已是最新，共 %d 项结构定义\n", "the database (%s) is at head, %d columns and indexes\n"), a.DB.Dialect(), len(s))
				}
				return err
			})
		},
	}
	return cmd
}

func (c *cli) openapiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Args: cobra.NoArgs, Short: c.tr("输出 OpenAPI 3.1 文档", "print the OpenAPI 3.1 document"), Example: "  capillary openapi > openapi.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := app.OpenAPI(cmd.Context())
			if err == nil {
				_, err = cmd.OutOrStdout().Write(append(text, '\n'))
			}
			return err
		},
	}
}
