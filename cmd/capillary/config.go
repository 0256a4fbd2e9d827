package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/platform/config"
)

func (c *cli) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: c.tr("查看与检查配置", "show and check the configuration")}
	cmd.AddCommand(&cobra.Command{
		Use: "check", Args: cobra.NoArgs, Short: c.tr("检查配置并打印生效值（不含密钥）", "check the configuration and print what is in effect, without secrets"),
		Example: "  capillary config check --config capillary.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config()
			if cfg != nil {
				c.printConfig(cmd, cfg)
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), c.tr("配置有效", "the configuration is valid"))
			}
			return err
		},
	}, &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: c.tr("列出全部配置项、环境变量与含义", "list every setting with its environment variable and meaning"),
		Example: "  capillary config list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, s := range config.Settings() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, s.Env(), c.tr(s.Zh, s.En))
			}
			return w.Flush()
		},
	})
	return cmd
}

func (c *cli) printConfig(cmd *cobra.Command, cfg *config.Config) {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	for _, l := range cfg.Effective() {
		fmt.Fprintf(w, "%s\t%s\t(%s)\n", l.Name, l.Value, l.Source)
	}
	_ = w.Flush()
}
