package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// polish makes every command of the tree answer wrong use alike: exit code 2, in the reader's language; a
// group of commands refuses a word it does not know instead of showing its help as if all were well.
func (c *cli) polish(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		c.polish(sub)
	}
	cmd.InitDefaultHelpFlag()
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = c.tr("显示帮助", "show this help")
	}
	switch cmd.Name() {
	case "help":
		cmd.Short = c.tr("查看命令的说明", "show the help of a command")
	case "completion":
		cmd.Short = c.tr("生成命令行补全脚本", "write a completion script for a shell")
	}
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.HasSubCommands() && len(args) > 0:
			return &usageError{fmt.Errorf(c.tr("%s 没有命令 %q；用 %[1]s --help 查看", "%s has no command %q; see %[1]s --help"), cmd.CommandPath(), args[0])}
		case check == nil || check(cmd, args) == nil:
			return nil
		}
		return &usageError{fmt.Errorf(c.tr("参数个数不对，应为：%s", "wrong number of arguments, expected: %s"), strings.TrimSuffix(cmd.UseLine(), " [flags]"))}
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// chineseUsage is cobra's usage page with Chinese headings.
const chineseUsage = `用法:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [命令]{{end}}{{if .HasExample}}

示例:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

命令:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

选项:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

通用选项:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

用 "{{.CommandPath}} [命令] --help" 查看某个命令的说明。{{end}}
`
