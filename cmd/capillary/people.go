package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

func (c *cli) institutionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "institution", Short: c.tr("机构：新建、列出", "institutions: create, list")}
	in := auth.CreateInstitutionInput{}
	var branches []string
	var day string
	create := &cobra.Command{
		Use: "create CODE", Args: cobra.ExactArgs(1), Short: c.tr("新建机构", "create an institution"),
		Example: "  capillary institution create nsb --name 苍南农商行 --name-en \"Cangnan Rural Bank\" --branch hq::总行:\"Head office\" --branch east:hq:城东支行:East",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Code = args[0]
			for _, b := range branches {
				parts := strings.SplitN(b, ":", 4)
				if len(parts) != 4 {
					return &usageError{fmt.Errorf("--branch %q: %s", b, c.tr("应为 代码:上级:名称:英文名", "expected code:parent:name:english name"))}
				}
				in.Branches = append(in.Branches, auth.BranchDraft{Code: parts[0], Parent: parts[1], Name: parts[2], NameEn: parts[3]})
			}
			if day != "" {
				d, err := calendar.Parse(day)
				if err != nil {
					return &usageError{err}
				}
				in.BusinessDate = d
			}
			return c.withApp(cmd.Context(), func(a *app.App) error {
				i, err := a.Auth.CreateInstitution(cmd.Context(), in)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), c.tr("已建立机构 %s（%s），营业日 %s\n", "institution %s (%s) created, business date %s\n"), i.Code, i.ID, i.BusinessDate)
				}
				return err
			})
		},
	}
	f := create.Flags()
	f.StringVar(&in.Name, "name", "", c.tr("名称", "name in Chinese"))
	f.StringVar(&in.NameEn, "name-en", "", c.tr("英文名称", "name in English"))
	f.StringVar(&in.Currency, "currency", "CNY", c.tr("本位币", "currency of the books"))
	f.StringVar(&in.Timezone, "timezone", "Asia/Shanghai", c.tr("时区", "time zone"))
	f.StringVar(&day, "business-date", "", c.tr("营业日（默认今天）", "business date (default: today)"))
	f.StringArrayVar(&branches, "branch", nil, c.tr("分支机构 代码:上级:名称:英文名，可重复", "branch code:parent:name:english name, repeatable"))
	list := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: c.tr("列出机构", "list institutions"), Example: "  capillary institution list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withData(cmd.Context(), func(a *app.App) error {
				all, err := a.Auth.Institutions(cmd.Context(), "")
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				for _, i := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Code, c.tr(i.Name, i.NameEn), i.BusinessDate, i.ID)
				}
				return w.Flush()
			})
		},
	}
	cmd.AddCommand(create, list)
	return cmd
}

func (c *cli) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: c.tr("用户：新建、列出、重设密码", "users: create, list, reset a password")}
	var institution string
	in := auth.CreateUserInput{}
	create := &cobra.Command{
		Use: "create LOGIN", Args: cobra.ExactArgs(1), Short: c.tr("新建用户（密码从标准输入读取）", "create a user; the password comes from standard input"),
		Example: "  echo 'long-and-secret' | capillary user create wang --name 王芳 --branch east --role relationship_manager",
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword()
			if err != nil {
				return err
			}
			in.Login, in.Password = args[0], password
			return c.withData(cmd.Context(), func(a *app.App) error {
				p, _, err := c.operator(cmd.Context(), a, institution)
				if err != nil {
					return err
				}
				u, err := a.Auth.CreateUser(cmd.Context(), p, in)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), c.tr("已建立用户 %s（%s）\n", "user %s (%s) created\n"), u.Login, u.ID)
				}
				return err
			})
		},
	}
	create.Flags().StringVar(&in.Name, "name", "", c.tr("姓名", "name"))
	create.Flags().StringVar(&in.Branch, "branch", "hq", c.tr("所属分支机构代码", "branch code"))
	create.Flags().StringArrayVar(&in.Roles, "role", nil, c.tr("角色，可重复", "role, repeatable"))
	list := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: c.tr("列出用户", "list users"), Example: "  capillary user list --institution demo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withData(cmd.Context(), func(a *app.App) error {
				p, _, err := c.operator(cmd.Context(), a, institution)
				if err != nil {
					return err
				}
				users, _, err := a.Auth.Users(cmd.Context(), p, auth.UserFilter{Limit: 200})
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				for _, u := range users {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.Login, u.Name, u.BranchPath, strings.Join(u.Roles, ","))
				}
				return w.Flush()
			})
		},
	}
	reset := &cobra.Command{
		Use: "password LOGIN", Args: cobra.ExactArgs(1), Short: c.tr("重设密码（从标准输入读取）", "reset a password; the new one comes from standard input"),
		Example: "  echo 'new-long-secret' | capillary user password wang",
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword()
			if err != nil {
				return err
			}
			return c.withData(cmd.Context(), func(a *app.App) error {
				p, _, err := c.operator(cmd.Context(), a, institution)
				if err != nil {
					return err
				}
				return a.Auth.ResetPassword(cmd.Context(), p, args[0], password)
			})
		},
	}
	for _, x := range []*cobra.Command{create, list, reset} {
		c.institutionFlag(x, &institution)
	}
	cmd.AddCommand(create, list, reset)
	return cmd
}

func readPassword() (string, error) {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" && err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return line, nil
}
