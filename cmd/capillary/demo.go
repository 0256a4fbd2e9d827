package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/app/demo"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

func (c *cli) demoCommand() *cobra.Command {
	var port int
	var only bool
	cmd := &cobra.Command{
		Use: "demo", Args: cobra.NoArgs, Short: c.tr("建立演示银行、走完主流程并启动服务", "make a demonstration bank, walk the main job, and serve it"),
		Long: c.tr("所有数据由固定种子合成，处处标明“演示”。第一次运行走完主流程；再次运行直接启动。付款经独立进程的银行模拟器。",
			"All data is synthetic from a fixed seed and marked as demonstration everywhere. The first run walks the main job; later runs just serve. Payments go through the bank simulator, a process of its own."),
		Example: "  capillary demo\n  capillary demo --data ./data --port 8080\n  capillary demo --only --data /tmp/demo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.sets = append(c.sets, fmt.Sprintf("listen=127.0.0.1:%d", port), "log.level=warn")
			return c.demo(cmd, only)
		},
	}
	cmd.Flags().IntVar(&port, "port", 8080, c.tr("端口", "port"))
	cmd.Flags().BoolVar(&only, "only", false, c.tr("只准备数据，不启动服务", "prepare the data and do not serve"))
	return cmd
}

func (c *cli) demo(cmd *cobra.Command, only bool) error {
	ctx := cmd.Context()
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if ln, err := net.Listen("tcp", cfg.Listen); err != nil { //nolint:noctx // only asks whether the port is free
		return fmt.Errorf(c.tr("端口被占用，请用 --port 另选：%w", "the port is taken, choose another with --port: %w"), err)
	} else if err := ln.Close(); err != nil {
		return err
	}
	stopBank, err := c.startBank(ctx, cfg.DataDir)
	if err != nil {
		return err
	}
	defer stopBank()
	return c.withApp(ctx, func(a *app.App) error {
		steps := &terminal{w: cmd.OutOrStdout(), c: c}
		stop, err := a.Workers(ctx)
		if err != nil {
			return err
		}
		existed, err := demo.Run(ctx, a, demo.DefaultOptions(), steps)
		steps.end(err == nil)
		stop()
		if err != nil || only {
			return err
		}
		if existed {
			fmt.Fprintln(cmd.OutOrStdout(), c.tr("演示机构已存在，直接启动；删除数据目录可重新生成。", "the demonstration exists already; delete the data folder to make it anew."))
		}
		return a.Serve(ctx, func(addr string) { c.welcome(cmd.OutOrStdout(), addr) })
	})
}

func (c *cli) welcome(w io.Writer, addr string) {
	fmt.Fprintf(w, "\n  %s  http://%s\n", c.tr("控制台", "console"), addr)
	fmt.Fprintf(w, "  %s  http://%s/docs\n\n", c.tr("接口文档", "API docs"), addr)
	t := tabwriter.NewWriter(w, 0, 4, 3, ' ', 0)
	fmt.Fprintf(t, "  %s\t%s\t%s\n", c.tr("登录名", "login"), c.tr("密码", "password"), c.tr("身份", "who"))
	for _, p := range demo.People {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", p.Login, demo.Password, p.Name+"  "+p.Does.In(c.lang))
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\n  %s %s    %s\n\n", c.tr("机构", "institution"), demo.Institution, c.tr("Ctrl-C 停止", "Ctrl-C stops"))
}

// startBank runs the bank simulator as a child process and points the configuration at it. Secret and
// state lie in the data folder, so that a later run meets the same bank.
func (c *cli) startBank(ctx context.Context, dir string) (stop func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	secretFile := filepath.Join(dir, "bank-simulator.secret")
	secret, err := os.ReadFile(secretFile) //nolint:gosec // below the data folder
	if errors.Is(err, os.ErrNotExist) {
		secret = []byte(crypto.NewToken())
		err = os.WriteFile(secretFile, secret, 0o600)
	}
	if err != nil {
		return nil, err
	}
	accounts, err := demoAccounts(dir)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, self, "simulate", "bank", "--listen", "127.0.0.1:0", "--state", filepath.Join(dir, "bank-simulator.jsonl"), "--accounts", accounts) //nolint:gosec // ourselves
	child.Env = append(os.Environ(), "CAPILLARY_BANK_SECRET="+string(secret))
	child.Stderr = os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us; we stop it after the last payment
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = 5 * time.Second
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("bank simulator: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("bank simulator did not start: %w", errors.Join(err, child.Wait()))
	}
	c.sets = append(c.sets, "bank.url="+strings.TrimSpace(line), "bank.secret="+string(secret))
	return func() {
		_ = child.Process.Signal(syscall.SIGTERM)
		_ = child.Wait()
	}, nil
}

// demoAccounts writes the accounts of the demonstration's firms for the simulator.
func demoAccounts(dir string) (string, error) {
	firms, err := demo.Generate(demo.DefaultOptions())
	if err != nil {
		return "", err
	}
	var list []bank.Account
	for _, f := range firms {
		list = append(list, bank.Account{Number: demo.Account(f), Name: f.Name, BalanceMinor: f.RevenueMinor / 12})
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bank-simulator-accounts.json")
	return path, os.WriteFile(path, b, 0o600)
}

func (c *cli) simulateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "simulate", Short: c.tr("外部系统模拟器（独立进程，绝非真实系统）", "simulators of outside systems, each a process of its own and never the real thing")}
	var cfg bank.Config
	var accounts string
	b := &cobra.Command{
		Use: "bank", Args: cobra.NoArgs, Short: c.tr("银行付款通道模拟器", "simulator of a bank's payment channel"),
		Example: "  CAPILLARY_BANK_SECRET=... capillary simulate bank --listen 127.0.0.1:8090 --state bank.jsonl",
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := c.config()
			if err != nil {
				return err
			}
			cfg.Secret = settings.BankSecret
			if accounts != "" {
				text, err := os.ReadFile(accounts) //nolint:gosec // the operator names the file
				if err != nil {
					return err
				}
				if err := json.Unmarshal(text, &cfg.Accounts); err != nil {
					return fmt.Errorf("%s: %w", accounts, err)
				}
			}
			s, err := bank.New(cfg)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM)
			defer stop()
			return s.Run(ctx, func(addr string) { fmt.Fprintln(cmd.OutOrStdout(), "http://"+addr) })
		},
	}
	b.Flags().StringVar(&cfg.Addr, "listen", "127.0.0.1:8090", c.tr("监听地址", "address to listen on"))
	b.Flags().StringVar(&cfg.Path, "state", "", c.tr("保存账户与付款的文件；为空则只在内存", "file that keeps accounts and payments; empty keeps them in memory"))
	b.Flags().StringVar(&accounts, "accounts", "", c.tr("预先开立的账户（JSON 文件）", "accounts opened at the start (JSON file)"))
	b.Flags().Int64Var(&cfg.SettlementMinor, "settlement-minor", 100_000_000_000_00, c.tr("机构清算账户初始余额（分）", "opening balance of an institution's settlement account, in fen"))
	cmd.AddCommand(b)
	return cmd
}

// terminal shows the demonstration's steps.
type terminal struct {
	w     io.Writer
	c     *cli
	bar   *bar
	name  string
	start time.Time
}

func (t *terminal) Begin(zh, en string) {
	t.end(true)
	t.name, t.start = t.c.tr(zh, en), time.Now()
	t.bar = newBar(t.w, "  "+t.name)
	if !t.bar.tty {
		fmt.Fprintf(t.w, "  %s …\n", t.name)
	}
}

func (t *terminal) Set(done, total int64) { t.bar.set(done, total) }

func (t *terminal) Note(zh, en string) {
	t.bar.end()
	fmt.Fprintf(t.w, "      %s\n", t.c.tr(zh, en))
}

func (t *terminal) end(ok bool) {
	if t.bar == nil {
		return
	}
	t.bar.end()
	mark := "✓"
	if !ok {
		mark = "✗"
	}
	fmt.Fprintf(t.w, "  %s %s  %s\n", mark, t.name, time.Since(t.start).Round(time.Millisecond))
	t.bar = nil
}
