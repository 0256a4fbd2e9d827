package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/selftest"
)

func (c *cli) selftestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "selftest", Short: c.tr("用公开的测试数据核对本系统的算法", "check this program's arithmetic against published figures")}
	cmd.AddCommand(&cobra.Command{
		Use: "vectors FILE...", Args: cobra.MinimumNArgs(1),
		Short: c.tr("逐条核对测试向量文件，有不符则退出码为 1", "run files of test vectors, a line per vector; exit code 1 on a miss"),
		Long: c.tr("识别四种文件：还款计划与货币时间价值、评分卡、企业划型、身份代码。每条打印期望值与实得值；不认识的种类算作不符。",
			"Knows four kinds of file: schedules and time value of money, scorecards, firm size classes, identity codes. Prints what was expected and what came out; a kind it does not know is a miss."),
		Example: "  capillary selftest vectors lending_vectors.json sme_size.json",
		RunE: func(cmd *cobra.Command, files []string) error {
			misses := 0
			for _, name := range files {
				report, err := selftest.File(name)
				if err != nil {
					return err
				}
				if err := report.Print(cmd.OutOrStdout()); err != nil {
					return err
				}
				misses += len(report.Outcomes) - report.Passed()
			}
			if misses > 0 {
				return fmt.Errorf(c.tr("%d 条不符", "%d vectors missed"), misses)
			}
			return nil
		},
	})
	return cmd
}
