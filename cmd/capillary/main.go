// Command capillary is the whole system in one binary: the server with its console, the command line, the
// demonstration, and the simulators of the outside world.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is main without the process, so that tests can call it. Exit codes: 0 done, 1 failed, 2 wrong use.
func run(ctx context.Context, args, environ []string, out, errw io.Writer) int {
	c := &cli{environ: environ, lang: language(args, environ), out: out}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(errw, "%s%s\n", c.tr("用法有误：", "usage: "), usage)
		return 2
	}
	for _, f := range fault.All(err) {
		fmt.Fprintf(errw, "%s%s [%s]\n  → %s\n", c.tr("错误：", "error: "), f.Text(c.lang), f.Reason.Code, f.RemedyText(c.lang))
		return 1
	}
	fmt.Fprintf(errw, "%s%v\n", c.tr("错误：", "error: "), err)
	return 1
}

// usageError marks wrong use of the command line (exit code 2).
type usageError struct{ error }

// cli carries what every command needs.
type cli struct {
	environ []string
	lang    string
	out     io.Writer
	file    string
	sets    []string
	data    string
}

// tr picks the sentence in the reader's language.
func (c *cli) tr(zh, en string) string {
	if c.lang == "zh" {
		return zh
	}
	return en
}

// language is decided before commands exist, because their help is in it: --lang, CAPILLARY_LANG, LANG.
func language(args, environ []string) string {
	for i, a := range args {
		if a == "--lang" && i+1 < len(args) {
			return short(args[i+1])
		}
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			return short(v)
		}
	}
	env := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	for _, k := range []string{"CAPILLARY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env[k]; v != "" {
			return short(v)
		}
	}
	return "en"
}

func short(v string) string {
	if strings.HasPrefix(strings.ToLower(v), "zh") {
		return "zh"
	}
	return "en"
}

// config reads the configuration in effect for a command.
func (c *cli) config() (*config.Config, error) {
	cfg, err := config.Load(c.file, c.environ)
	if err != nil {
		return nil, err
	}
	if c.data != "" {
		if err := cfg.Set("data_dir", c.data, "--data"); err != nil {
			return nil, err
		}
	}
	for _, kv := range c.sets {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, &usageError{fmt.Errorf("--set %q: %s", kv, c.tr("应为 名称=值", "expected name=value"))}
		}
		if err := cfg.Set(k, v, "--set"); err != nil {
			return nil, &usageError{err}
		}
	}
	return cfg, app.Check(cfg)
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "capillary",
		Short:         c.tr("微脉：小微金融全流程系统", "Capillary: small-firm finance in one closed loop"),
		Long:          c.tr("微脉把小微企业的经营数据变成画像、评分、授信、合同、放款与贷后监测，一个程序完成全部流程。\n从 `capillary demo` 开始。", "Capillary turns a small firm's operating data into profile, score, decision, contract, money and watching, in one binary.\nStart with `capillary demo`."),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	p := root.PersistentFlags()
	p.String("lang", c.lang, c.tr("界面语言 zh|en", "language zh|en"))
	p.StringVar(&c.file, "config", "", c.tr("配置文件（YAML）", "configuration file (YAML)"))
	p.StringVar(&c.data, "data", "", c.tr("数据目录", "data folder"))
	p.StringArrayVar(&c.sets, "set", nil, c.tr("设置一项配置：名称=值，可重复", "set one setting: name=value, repeatable"))
	root.AddCommand(c.commands()...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c.polish(root)
	if c.lang == "zh" {
		root.SetUsageTemplate(chineseUsage)
	}
	return root
}
