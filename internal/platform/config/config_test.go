package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "capillary.yaml")
	require.NoError(t, os.WriteFile(p, []byte(text), 0o600))
	return p
}

func TestEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	f := file(t, "listen: 127.0.0.1:9000\nlog:\n  level: warn\njobs:\n  workers: 3\n")
	c, err := config.Load(f, []string{"CAPILLARY_LOG_LEVEL=error", "OTHER=1"})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9000", c.Listen)
	require.Equal(t, "error", c.LogLevel)
	require.Equal(t, 3, c.JobWorkers)
	require.NoError(t, c.Check())
	require.NoError(t, c.Set("listen", ":1", "--listen"))
	require.Equal(t, ":1", c.Listen)
}

func TestSecretsComeFromFilesAndAreNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := file(t, "postgres://u:hunter2@db/x\n")
	c, err := config.Load("", []string{"CAPILLARY_DATABASE_POSTGRES_DSN_FILE=" + secret})
	require.NoError(t, err)
	require.Equal(t, "postgres://u:hunter2@db/x", c.PostgresDSN)
	for _, l := range c.Effective() {
		require.NotContains(t, l.Value, "hunter2")
		if l.Name == "database.postgres_dsn" {
			require.Equal(t, "******", l.Value)
			require.Equal(t, "CAPILLARY_DATABASE_POSTGRES_DSN_FILE", l.Source)
		}
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	f := file(t, "lisen: x\njobs: {workers: many}\nlog: {format: xml}\n")
	c, err := config.Load(f, []string{"CAPILLARY_BANK_URL=ftp://x", "CAPILLARY_LISTEN=nohost"})
	require.ErrorContains(t, err, `unknown setting "lisen"`)
	require.ErrorContains(t, err, `"many" is not a whole number from 1 to 64`)
	err = c.Check()
	require.ErrorContains(t, err, "log.format")
	require.ErrorContains(t, err, "bank.url")
	require.ErrorContains(t, err, "bank.secret")
	require.ErrorContains(t, err, "listen")
}

func TestEverySettingSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	for _, s := range config.Settings() {
		require.NotEmpty(t, s.Zh, s.Name)
		require.NotEmpty(t, s.En, s.Name)
	}
}

func TestListsAreWrittenAsTheyAreInYAML(t *testing.T) {
	t.Parallel()
	f := file(t, "trusted_proxies: [10.0.0.0/8, 192.168.1.7]\nwebhook:\n  allow:\n    - erp.bank.example\n    - 10.8.0.0/16\n")
	c, err := config.Load(f, nil)
	require.NoError(t, err)
	require.NoError(t, c.Check())
	require.Equal(t, "erp.bank.example,10.8.0.0/16", c.WebhookAllow)
	p, err := c.Proxies()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.7/32")}, p)
	require.NoError(t, c.Set("trusted_proxies", "10.0.0.0/99", "--set"))
	require.ErrorContains(t, c.Check(), "trusted_proxies")
}
