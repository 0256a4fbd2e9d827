package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Permissions of managing people. Who manages users does not review the grants he proposes, and
// holds no business permission by that fact.
var (
	PermUserRead        = DeclarePermission("user.read", "查看用户", "See users", RoleAdmin, RoleCompliance)
	PermUserManage      = DeclarePermission("user.manage", "管理用户（新建、停用、重置密码、提出授权）", "Manage users: create, disable, reset passwords, propose grants", RoleAdmin)
	PermUserReview      = DeclarePermission("user.review", "复核用户授权", "Review grants to users", RoleCompliance, RoleAdmin)
	PermRoleManage      = DeclarePermission("role.manage", "提出角色变更", "Propose changes of roles", RoleAdmin)
	PermRoleReview      = DeclarePermission("role.review", "复核角色变更", "Review changes of roles", RoleCompliance, RoleAdmin)
	PermBranchManage    = DeclarePermission("branch.manage", "管理网点", "Manage branches", RoleAdmin)
	PermKeyManage       = DeclarePermission("api_key.manage", "管理所有接口密钥", "Manage everybody's API keys", RoleAdmin)
	PermAuthorityRead   = DeclarePermission("authority.read", "查看授权额度", "See authority limits", RoleApprover, RoleRisk, RoleCompliance, RoleAdmin)
	PermAuthorityManage = DeclarePermission("authority.manage", "提出授权额度变更", "Propose changes of authority limits", RoleRisk, RoleAdmin)
	PermAuthorityReview = DeclarePermission("authority.review", "复核授权额度变更", "Review changes of authority limits", RoleCompliance)
	PermAuditRead       = DeclarePermission("audit.read", "查看审计日志", "Read the audit log", RoleCompliance, RoleAdmin)
)

// Service is who manages institutions and people and lets them in.
type Service struct {
	db     *db.DB
	keys   *crypto.Keyring
	hasher *hasher
	log    *slog.Logger

	idle, absolute time.Duration
}

// Option changes a Service.
type Option func(*Service)

// WithCost sets the work of password hashing; tests make it small.
func WithCost(c Cost) Option { return func(s *Service) { s.hasher = newHasher(c) } }

// WithSessionLife sets how long a session lives unused and at most.
func WithSessionLife(idle, absolute time.Duration) Option {
	return func(s *Service) { s.idle, s.absolute = idle, absolute }
}

// NewService makes the service.
func NewService(d *db.DB, keys *crypto.Keyring, opts ...Option) *Service {
	s := &Service{db: d, keys: keys, idle: 30 * time.Minute, absolute: 12 * time.Hour, log: slog.Default()}
	for _, o := range opts {
		o(s)
	}
	if s.hasher == nil {
		s.hasher = newHasher(DefaultCost)
	}
	return s
}

var (
	// No underscore: branch codes make paths, and a path is matched by LIKE, where it is a wildcard.
	codePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	rolePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,39}$`)
	loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{1,63}$`)
)

func checkCode(field, code string) error {
	if codePattern.MatchString(code) {
		return nil
	}
	return fault.Field(field, "应为 1 至 40 个小写字母、数字或 -", "must be 1 to 40 lower-case letters, digits or -")
}

func checkText(field, value string, maxRunes int) error {
	switch {
	case strings.TrimSpace(value) == "":
		return fault.Required(field)
	case len([]rune(value)) > maxRunes:
		return fault.Field(field, fmt.Sprintf("超过 %d 个字符", maxRunes), fmt.Sprintf("is longer than %d characters", maxRunes))
	}
	return nil
}

func checkEmail(email string) error {
	if email == "" {
		return nil
	}
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 200 {
		return fault.Field("email", "不是电子邮件地址", "is not an e-mail address")
	}
	return nil
}

func checkLang(lang string) error {
	if lang == "zh" || lang == "en" {
		return nil
	}
	return fault.Field("lang", "应为 zh 或 en", "must be zh or en")
}

// taken turns a unique violation into ALREADY_EXISTS.
func taken(err error, object, id, field string) error {
	if db.IsUnique(err) {
		return fault.New(ReasonTaken, "object", object, "id", id).WithField(field).Wrap(err)
	}
	return err
}

var (
	purgeSessions = db.Q(`delete from session where expires_at < $1 or seen_at < $2`)
	purgeAttempts = db.Q(`delete from sign_in_attempt where updated_at < $1`)
)

// Purge forgets ended sessions and old failed sign-ins; run it about once an hour.
func (s *Service) Purge(ctx context.Context) error {
	return s.db.Update(ctx, db.System("auth"), func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, purgeSessions, db.Micros(tx.Now), db.Micros(tx.Now.Add(-s.idle))); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, purgeAttempts, db.Micros(tx.Now.Add(-24*time.Hour)))
		return err
	})
}
