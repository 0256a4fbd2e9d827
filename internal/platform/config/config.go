// Package config is the one place where settings come from: defaults, then a YAML file, then
// environment variables (CAPILLARY_..., each also as CAPILLARY_..._FILE naming a file that holds the
// value, for secrets), then command-line flags. Every setting has a name, a meaning in two languages
// and a check; the effective configuration can be printed with secrets masked.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Config holds every setting of the program.
type Config struct {
	DataDir       string
	Listen        string
	BaseURL       string
	PostgresDSN   string
	DatabasePath  string
	DatabaseConns int
	LogLevel      string
	LogFormat     string
	MetricsToken  string
	OTLPEndpoint  string
	KeyFile       string
	BankURL       string
	BankSecret    string
	// PaymentProtocol is how the payment channel is spoken to: http or iso20022.
	PaymentProtocol string
	OIDCIssuer      string
	OIDCClientID    string
	OIDCSecret      string
	WebhookAllow    string
	TrustedProxies  string
	NATSURL         string
	NATSStream      string
	ShutdownDrain   time.Duration
	ShutdownGrace   time.Duration
	JobWorkers      int
	UploadMaxBytes  int64
	RatePrincipal   int // requests per second
	RateAddress     int

	sources map[string]string // setting name -> where its value came from
}

// Setting describes one setting.
type Setting struct {
	Name   string // "database.postgres_dsn", as in the file
	Zh, En string
	Secret bool
	get    func(*Config) string
	set    func(*Config, string) error
}

// Env is the environment variable of the setting.
func (s Setting) Env() string {
	return "CAPILLARY_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_"))
}

func text(p func(*Config) *string) (func(*Config) string, func(*Config, string) error) {
	return func(c *Config) string { return *p(c) }, func(c *Config, v string) error { *p(c) = v; return nil }
}

func stringSetting(name, zh, en string, secret bool, p func(*Config) *string) Setting {
	g, s := text(p)
	return Setting{Name: name, Zh: zh, En: en, Secret: secret, get: g, set: s}
}

func intSetting(name, zh, en string, lo, hi int64, p func(*Config) int64, store func(*Config, int64)) Setting {
	return Setting{
		Name: name, Zh: zh, En: en,
		get: func(c *Config) string { return strconv.FormatInt(p(c), 10) },
		set: func(c *Config, v string) error {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < lo || n > hi {
				return fmt.Errorf("%q is not a whole number from %d to %d", v, lo, hi)
			}
			store(c, n)
			return nil
		},
	}
}

// Settings lists every setting in the order of the documentation.
func Settings() []Setting {
	return []Setting{
		stringSetting("data_dir", "数据目录", "folder of the embedded database, files and keys", false, func(c *Config) *string { return &c.DataDir }),
		stringSetting("listen", "监听地址", "address to listen on", false, func(c *Config) *string { return &c.Listen }),
		stringSetting("base_url", "对外网址（用于链接与单点登录回跳）", "public address, for links and sign-on redirects", false, func(c *Config) *string { return &c.BaseURL }),
		stringSetting("database.postgres_dsn", "PostgreSQL 连接串；为空则用内置 SQLite", "PostgreSQL connection string; empty uses the embedded SQLite", true, func(c *Config) *string { return &c.PostgresDSN }),
		stringSetting("database.path", "SQLite 文件（默认在数据目录下）", "SQLite file (default: inside the data folder)", false, func(c *Config) *string { return &c.DatabasePath }),
		intSetting("database.conns", "数据库连接上限", "most database connections", 2, 500, func(c *Config) int64 { return int64(c.DatabaseConns) }, func(c *Config, n int64) { c.DatabaseConns = int(n) }),
		stringSetting("log.level", "日志级别 debug|info|warn|error", "log level debug|info|warn|error", false, func(c *Config) *string { return &c.LogLevel }),
		stringSetting("log.format", "日志格式 text|json", "log format text|json", false, func(c *Config) *string { return &c.LogFormat }),
		stringSetting("metrics.token", "读取 /metrics 的令牌；为空则只允许本机", "token for /metrics; empty allows loopback only", true, func(c *Config) *string { return &c.MetricsToken }),
		stringSetting("tracing.otlp_endpoint", "OTLP/HTTP 追踪地址；为空则关闭", "OTLP/HTTP address for traces; empty turns them off", false, func(c *Config) *string { return &c.OTLPEndpoint }),
		stringSetting("crypto.key_file", "字段加密密钥文件（默认在数据目录下，首次启动生成）", "field encryption key file (default: inside the data folder, made at first start)", false, func(c *Config) *string { return &c.KeyFile }),
		stringSetting("bank.url", "支付渠道地址", "address of the bank's payment channel", false, func(c *Config) *string { return &c.BankURL }),
		stringSetting("bank.secret", "支付渠道签名密钥", "signing secret of the payment channel", true, func(c *Config) *string { return &c.BankSecret }),
		stringSetting("payment.protocol", "支付渠道协议 http|iso20022（pain.001、pain.008、pain.002，并可取 camt.053/054）", "protocol of the payment channel http|iso20022 (pain.001, pain.008, pain.002, and camt.053/054 to fetch)", false, func(c *Config) *string { return &c.PaymentProtocol }),
		stringSetting("oidc.issuer", "单点登录签发者地址；为空则关闭", "issuer address of single sign-on; empty turns it off", false, func(c *Config) *string { return &c.OIDCIssuer }),
		stringSetting("oidc.client_id", "单点登录客户端编号", "client id for single sign-on", false, func(c *Config) *string { return &c.OIDCClientID }),
		stringSetting("oidc.client_secret", "单点登录客户端密钥", "client secret for single sign-on", true, func(c *Config) *string { return &c.OIDCSecret }),
		stringSetting("webhook.allow", "允许回调的内网地址（逗号分隔的网段或主机）", "private targets webhooks may reach (comma-separated networks or hosts)", false, func(c *Config) *string { return &c.WebhookAllow }),
		stringSetting("trusted_proxies", "可信反向代理的网段（逗号分隔）；只有来自它们的 X-Forwarded-For 才被采信", "networks of reverse proxies (comma-separated); X-Forwarded-For is believed from them only", false, func(c *Config) *string { return &c.TrustedProxies }),
		stringSetting("nats.url", "把事件转发到该 NATS；为空则关闭", "forward events to this NATS; empty turns it off", false, func(c *Config) *string { return &c.NATSURL }),
		stringSetting("nats.stream", "NATS 流名称", "name of the NATS stream", false, func(c *Config) *string { return &c.NATSStream }),
		durationSetting("shutdown_drain", "停机时先报告未就绪、再关闭端口的间隔", "how long readiness fails before the port closes, for load balancers", func(c *Config) *time.Duration { return &c.ShutdownDrain }),
		durationSetting("shutdown_grace", "停机等待时间", "how long to wait for requests at shutdown", func(c *Config) *time.Duration { return &c.ShutdownGrace }),
		intSetting("jobs.workers", "后台任务并发数", "jobs run at once", 1, 64, func(c *Config) int64 { return int64(c.JobWorkers) }, func(c *Config, n int64) { c.JobWorkers = int(n) }),
		intSetting("limits.per_principal", "每个登录者每秒请求上限", "most requests per second of one caller", 1, 1_000_000, func(c *Config) int64 { return int64(c.RatePrincipal) }, func(c *Config, n int64) { c.RatePrincipal = int(n) }),
		intSetting("limits.per_address", "每个网络地址每秒请求上限", "most requests per second of one address", 1, 1_000_000, func(c *Config) int64 { return int64(c.RateAddress) }, func(c *Config, n int64) { c.RateAddress = int(n) }),
		intSetting("upload.max_bytes", "单个上传文件字节上限", "largest upload in bytes", 1<<10, 1<<34, func(c *Config) int64 { return c.UploadMaxBytes }, func(c *Config, n int64) { c.UploadMaxBytes = n }),
	}
}

// Default is the configuration of a fresh machine: everything embedded under ./data, loopback only.
func Default() *Config {
	return &Config{
		DataDir: "data", Listen: "127.0.0.1:8080", DatabaseConns: 8, LogLevel: "info", LogFormat: "text", NATSStream: "CAPILLARY", PaymentProtocol: "http",
		ShutdownGrace: 15 * time.Second, JobWorkers: 2, UploadMaxBytes: 256 << 20, RatePrincipal: 200, RateAddress: 500, sources: map[string]string{},
	}
}

// Load reads file (optional; "" skips it) and then the environment.
func Load(file string, environ []string) (*Config, error) {
	c := Default()
	var errs []error
	if file != "" {
		errs = append(errs, c.loadFile(file)...)
	}
	env := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	for _, s := range Settings() {
		v, ok := env[s.Env()]
		from := s.Env()
		if path, isFile := env[s.Env()+"_FILE"]; isFile {
			if ok {
				errs = append(errs, fmt.Errorf("%s and %s_FILE are both set: keep one", s.Env(), s.Env()))
				continue
			}
			b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
			if err != nil {
				errs = append(errs, fmt.Errorf("%s_FILE: %w", s.Env(), err))
				continue
			}
			v, ok, from = strings.TrimRight(string(b), "\r\n"), true, s.Env()+"_FILE"
		}
		if ok {
			errs = append(errs, c.assign(s, v, from))
		}
	}
	return c, errors.Join(errs...)
}

// Set assigns one setting by name (command-line flags).
func (c *Config) Set(name, value, from string) error {
	for _, s := range Settings() {
		if s.Name == name {
			return c.assign(s, value, from)
		}
	}
	return fmt.Errorf("%s: unknown setting %q", from, name)
}

func (c *Config) assign(s Setting, value, from string) error {
	if err := s.set(c, value); err != nil {
		return fmt.Errorf("%s: setting %s: %w", from, s.Name, err)
	}
	c.sources[s.Name] = from
	return nil
}

func (c *Config) loadFile(file string) []error {
	b, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return []error{fmt.Errorf("config file: %w", err)}
	}
	var tree map[string]any
	if err := yaml.UnmarshalWithOptions(b, &tree, yaml.Strict()); err != nil {
		return []error{fmt.Errorf("config file %s: %w", file, err)}
	}
	flat := map[string]string{}
	flatten("", tree, flat)
	known := map[string]Setting{}
	for _, s := range Settings() {
		known[s.Name] = s
	}
	names := make([]string, 0, len(flat))
	for n := range flat {
		names = append(names, n)
	}
	sort.Strings(names)
	var errs []error
	for _, n := range names {
		s, ok := known[n]
		if !ok {
			errs = append(errs, fmt.Errorf("config file %s: unknown setting %q; `capillary config list` names them all", file, n))
			continue
		}
		errs = append(errs, c.assign(s, flat[n], file))
	}
	return errs
}

func flatten(prefix string, tree map[string]any, out map[string]string) {
	for k, v := range tree {
		name := k
		if prefix != "" {
			name = prefix + "." + k
		}
		if sub, ok := v.(map[string]any); ok {
			flatten(name, sub, out)
			continue
		}
		out[name] = plain(v)
	}
}

// plain writes a value of the file as the environment would; a list is its items with commas between.
func plain(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case []any:
		items := make([]string, len(x))
		for i := range x {
			items[i] = plain(x[i])
		}
		return strings.Join(items, ",")
	}
	return fmt.Sprint(v)
}

// Proxies are the networks of trusted_proxies; a single address is a network of one.
func (c *Config) Proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %q is not an address or a network", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Check finds settings that cannot work, all at once.
func (c *Config) Check() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is not host:port", c.Listen))
	}
	for name, v := range map[string]string{"base_url": c.BaseURL, "bank.url": c.BankURL, "oidc.issuer": c.OIDCIssuer, "tracing.otlp_endpoint": c.OTLPEndpoint} {
		if v == "" {
			continue
		}
		if u, err := url.Parse(v); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, fmt.Errorf("%s: %q is not an http(s) address", name, v))
		}
	}
	if !contains(c.LogLevel, "debug", "info", "warn", "error") {
		errs = append(errs, fmt.Errorf("log.level: %q; use debug, info, warn or error", c.LogLevel))
	}
	if !contains(c.LogFormat, "text", "json") {
		errs = append(errs, fmt.Errorf("log.format: %q; use text or json", c.LogFormat))
	}
	if _, err := c.Proxies(); err != nil {
		errs = append(errs, err)
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("data_dir: must not be empty"))
	}
	if !contains(c.PaymentProtocol, "http", "iso20022") {
		errs = append(errs, fmt.Errorf("payment.protocol: %q; use http or iso20022", c.PaymentProtocol))
	}
	if c.BankURL != "" && c.BankSecret == "" {
		errs = append(errs, errors.New("bank.secret: required when bank.url is set"))
	}
	if c.OIDCIssuer != "" && (c.OIDCClientID == "" || c.BaseURL == "") {
		errs = append(errs, errors.New("oidc.issuer: needs oidc.client_id and base_url as well"))
	}
	sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
	return errors.Join(errs...)
}

func contains(v string, set ...string) bool {
	for _, s := range set {
		if v == s {
			return true
		}
	}
	return false
}

// Database is the SQLite file in effect.
func (c *Config) Database() string {
	if c.DatabasePath != "" {
		return c.DatabasePath
	}
	return filepath.Join(c.DataDir, "capillary.db")
}

// Keys is the key file in effect.
func (c *Config) Keys() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(c.DataDir, "keys.json")
}

// Line is one setting of the effective configuration.
type Line struct {
	Name, Value, Source, Env, Zh, En string
}

// Effective lists every setting with its value (secrets masked) and where it came from.
func (c *Config) Effective() []Line {
	var out []Line
	for _, s := range Settings() {
		v := s.get(c)
		if s.Secret && v != "" {
			v = "******"
		}
		from := c.sources[s.Name]
		if from == "" {
			from = "default"
		}
		out = append(out, Line{Name: s.Name, Value: v, Source: from, Env: s.Env(), Zh: s.Zh, En: s.En})
	}
	return out
}

func durationSetting(name, zh, en string, of func(*Config) *time.Duration) Setting {
	return Setting{
		Name: name, Zh: zh, En: en,
		get: func(c *Config) string { return of(c).String() },
		set: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 || d > time.Hour {
				return fmt.Errorf("%q is not a duration such as 15s, up to 1h", v)
			}
			*of(c) = d
			return nil
		},
	}
}
