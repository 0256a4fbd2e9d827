package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthCommand asks the server of this machine whether it is ready: a container without a shell has nothing else to ask with.
func (c *cli) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "health", Args: cobra.NoArgs, Short: c.tr("询问本机服务是否就绪", "ask the server of this machine whether it is ready"), Example: "  capillary health",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			answer, err := askReady(cmd.Context(), cfg.Listen)
			if answer != "" {
				fmt.Fprintln(cmd.OutOrStdout(), answer)
			}
			return err
		},
	}
}

const answerMax = 4 << 10

func askReady(ctx context.Context, listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(text[:max(0, len(text)-1)]), err
}
