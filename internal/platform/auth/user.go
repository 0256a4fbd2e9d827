package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Kinds and states of users.
const (
	KindPerson  = "person"
	KindService = "service" // a system that calls by API key; it cannot sign in

	UserActive   = "active"
	UserDisabled = "disabled"
)

// User is somebody, or some system, that acts for an institution.
type User struct {
	ID          string     `json:"id"`
	Login       string     `json:"login"`
	Kind        string     `json:"kind" enum:"person,service"`
	Name        string     `json:"name"`
	Email       string     `json:"email,omitempty"`
	BranchID    string     `json:"branch_id"`
	BranchPath  string     `json:"branch_path"`
	BranchName  string     `json:"branch_name"`
	Lang        string     `json:"lang" enum:"zh,en"`
	Status      string     `json:"status" enum:"active,disabled"`
	Roles       []string   `json:"roles"`
	TOTPEnabled bool       `json:"totp_enabled"`
	MustChange  bool       `json:"must_change" doc:"the password must be changed before anything else is allowed"`
	SignedInAt  *time.Time `json:"signed_in_at,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	Version     int64      `json:"version"`
}

// CreateUserInput describes a new user. Roles may be given only by the operator's command line;
// over HTTP they are proposed and reviewed by somebody else.
type CreateUserInput struct {
	Login, Kind, Name, Email string
	Branch                   string // id or code
	Lang                     string // default "zh"
	Password                 string // empty: cannot sign in with a password until one is set
	Roles                    []string
	KeepPassword             bool // the password given is the user's own: no change is asked for at first sign-in
}

const userColumns = `u.id, u.login, u.kind, u.name, u.email, u.branch_id, coalesce(b.path, '/'), coalesce(b.name, ''), u.lang, u.status, u.totp_on, u.must_change, u.signed_in_at, u.created_at, u.version`

var (
	insertUser = db.Q(`insert into user_account (institution_id, id, login, kind, name, email, branch_id, lang, status, password_hash, password_at, must_change,
	totp_secret, totp_on, totp_step, oidc_issuer, oidc_subject, signed_in_at, created_at, version)
	values ($1,$2,$3,$4,$5,$6,$7,$8,'active',$9,$10,$11,'',false,0,'','',0,$10,1)`)
	selectUser = db.Q(`select ` + userColumns + ` from user_account u left join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where u.institution_id = $1 and (u.id = $2 or u.login = $2)`)
	listUsers = db.Q(`select ` + userColumns + ` from user_account u join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where u.institution_id = $1 and b.path like $2 and ($3 = '' or u.status = $3) and ($4 = '' or u.login like $4 or u.name like $4)
	and ($5 = '' or exists (select 1 from user_role r where r.institution_id = u.institution_id and r.user_id = u.id and r.role = $5))
	and u.login > $6 order by u.login limit $7`)
	countUsers = db.Q(`select count(*) from user_account u join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where u.institution_id = $1 and b.path like $2 and ($3 = '' or u.status = $3) and ($4 = '' or u.login like $4 or u.name like $4)
	and ($5 = '' or exists (select 1 from user_role r where r.institution_id = u.institution_id and r.user_id = u.id and r.role = $5))`)
	updateUser = db.Q(`update user_account set name = $3, email = $4, lang = $5, status = $6, version = version + 1 where institution_id = $1 and id = $2 and version = $7`)
	moveUser   = db.Q(`update user_account set branch_id = $3, version = version + 1 where institution_id = $1 and id = $2 and version = $4`)
	userRoles  = db.Q(`select role from user_role where institution_id = $1 and user_id = $2 order by role`)
	clearRoles = db.Q(`delete from user_role where institution_id = $1 and user_id = $2`)
	insertRole = db.Q(`insert into user_role (institution_id, user_id, role, granted_at, granted_by) values ($1,$2,$3,$4,$5)`)
	findAdmins = db.Q(`select count(*) from user_role r join user_account u on u.institution_id = r.institution_id and u.id = r.user_id
	where r.institution_id = $1 and r.role = 'admin' and u.status = 'active' and u.id <> $2`)
	setPassword    = db.Q(`update user_account set password_hash = $3, password_at = $4, must_change = $5, version = version + 1 where institution_id = $1 and id = $2`)
	selectPassword = db.Q(`select password_hash from user_account where institution_id = $1 and id = $2`)
	endSessions    = db.Q(`delete from session where institution_id = $1 and user_id = $2 and token_hash <> $3`)
)

type scanner interface{ Scan(dest ...any) error }

func scanUser(row scanner) (User, error) {
	var u User
	var signedIn, created int64
	err := row.Scan(&u.ID, &u.Login, &u.Kind, &u.Name, &u.Email, &u.BranchID, &u.BranchPath, &u.BranchName, &u.Lang, &u.Status, &u.TOTPEnabled, &u.MustChange, &signedIn, &created, &u.Version)
	u.CreatedAt = db.Time(created)
	if signedIn != 0 {
		at := db.Time(signedIn)
		u.SignedInAt = &at
	}
	return u, err
}

// FindUser finds a user of the transaction's institution by id or login, with roles.
func FindUser(ctx context.Context, tx *db.Tx, idOrLogin string) (User, error) {
	u, err := scanUser(tx.QueryRow(ctx, selectUser, tx.Institution, idOrLogin))
	if db.IsNoRows(err) {
		return u, fault.NotFoundError("user", idOrLogin)
	}
	if err != nil {
		return u, err
	}
	u.Roles, err = rolesOf(ctx, tx, u.ID)
	return u, err
}

// lockUser is FindUser that holds the row until the end of the transaction.
func lockUser(ctx context.Context, tx *db.Tx, id string) (User, error) {
	if err := tx.Lock(ctx, "user:"+id); err != nil {
		return User{}, err
	}
	return FindUser(ctx, tx, id)
}

func rolesOf(ctx context.Context, tx *db.Tx, userID string) ([]string, error) {
	return stringList(ctx, tx, userRoles, tx.Institution, userID)
}

func stringList(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// CreateUser makes a user without roles, or, for the operator, with them. What follows is done in the
// same transaction (the proposal of his roles).
func (s *Service) CreateUser(ctx context.Context, p Principal, in CreateUserInput, follow ...func(*db.Tx, User) error) (User, error) {
	if err := p.Require(PermUserManage); err != nil {
		return User{}, err
	}
	if len(in.Roles) > 0 && p.Via != "system" {
		return User{}, fault.Field("roles", "角色须经复核授予", "are granted through a reviewed proposal")
	}
	hash := ""
	if in.Password != "" {
		if err := checkPassword(in.Login, in.Password); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = s.hasher.hash(ctx, in.Password); err != nil {
			return User{}, err
		}
	}
	var out User
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		out, err = createUser(ctx, tx, p, in, hash)
		for _, f := range follow {
			if err == nil {
				err = f(tx, out)
			}
		}
		return err
	})
	return out, err
}

// CreateUser makes a user who has no password yet, inside the operator's transaction.
func CreateUser(ctx context.Context, tx *db.Tx, p Principal, in CreateUserInput) (User, error) {
	if p.Via != "system" {
		return User{}, fault.New(fault.ReasonForbidden, "permission", "(operator)")
	}
	return createUser(ctx, tx, p, in, "")
}

func createUser(ctx context.Context, tx *db.Tx, p Principal, in CreateUserInput, hash string) (User, error) {
	if in.Lang == "" {
		in.Lang = "zh"
	}
	if in.Kind == "" {
		in.Kind = KindPerson
	}
	var login, kind error
	if !loginPattern.MatchString(in.Login) {
		login = fault.Field("login", "应为 2 至 64 个小写字母、数字或 . _ @ -", "must be 2 to 64 lower-case letters, digits or . _ @ -")
	}
	if in.Kind != KindPerson && in.Kind != KindService {
		kind = fault.Field("kind", "应为 person 或 service", "must be person or service")
	}
	if in.Kind == KindService && hash != "" {
		kind = fault.Field("password", "系统账户只能用接口密钥", "a service has API keys, not a password")
	}
	if err := fault.Join(login, kind, checkText("name", in.Name, 100), checkEmail(in.Email), checkLang(in.Lang)); err != nil {
		return User{}, err
	}
	branch, err := FindBranch(ctx, tx, in.Branch)
	if err == nil && !p.Sees(branch.Path) {
		err = fault.NotFoundError("branch", in.Branch)
	}
	if err != nil {
		return User{}, err
	}
	u := User{
		ID: tx.NewID("usr"), Login: in.Login, Kind: in.Kind, Name: in.Name, Email: in.Email, BranchID: branch.ID, BranchPath: branch.Path, BranchName: branch.Name,
		Lang: in.Lang, Status: UserActive, Roles: []string{}, MustChange: hash != "" && !in.KeepPassword, CreatedAt: tx.Now, Version: 1,
	}
	_, err = tx.Exec(ctx, insertUser, tx.Institution, u.ID, u.Login, u.Kind, u.Name, u.Email, u.BranchID, u.Lang, hash, db.Micros(tx.Now), u.MustChange)
	if err != nil {
		return u, taken(err, "user", in.Login, "login")
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "user.create", Object: "user", ObjectID: u.ID, After: u}); err != nil {
		return u, err
	}
	if err := emit(ctx, tx, "user.created", "user", u.ID, u); err != nil {
		return u, err
	}
	if len(in.Roles) == 0 {
		return u, nil
	}
	return ApplyGrant(ctx, tx, Grant{UserID: u.ID, Roles: in.Roles, BranchID: branch.ID}, 1)
}

// UserFilter narrows a list of users.
type UserFilter struct {
	Status, Text, Role string
	After              string // login of the last row of the page before
	Limit              int
}

// Users lists users of the caller's subtree by login, one more than the limit, and their number.
func (s *Service) Users(ctx context.Context, p Principal, f UserFilter) ([]User, int64, error) {
	if err := p.Require(PermUserRead); err != nil {
		return nil, 0, err
	}
	like := ""
	if f.Text != "" {
		like = "%" + strings.NewReplacer("%", "", "_", "").Replace(f.Text) + "%"
	}
	var out []User
	var total int64
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countUsers, tx.Institution, p.BranchPattern(), f.Status, like, f.Role).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listUsers, tx.Institution, p.BranchPattern(), f.Status, like, f.Role, f.After, f.Limit+1)
		if err != nil {
			return err
		}
		for rows.Next() {
			u, err := scanUser(rows)
			if err != nil {
				return fmt.Errorf("users: %w", err)
			}
			out = append(out, u)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for i := range out {
			if out[i].Roles, err = rolesOf(ctx, tx, out[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return out, total, err
}

// User gives one user of the caller's subtree; everybody may see himself.
func (s *Service) User(ctx context.Context, p Principal, idOrLogin string) (User, error) {
	var out User
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		out, err = FindUser(ctx, tx, idOrLogin)
		if err == nil && out.ID != p.UserID && (!p.Can(PermUserRead) || !p.Sees(out.BranchPath)) {
			err = fault.NotFoundError("user", idOrLogin)
		}
		return err
	})
	return out, err
}

// UserChange is what an administrator may change without a second person: names and letters, and
// whether the user may sign in. Roles and branch go through ApplyGrant.
type UserChange struct {
	Name, Email, Lang, Status string
}

// UpdateUser changes a user; disabling ends his sessions at once.
func (s *Service) UpdateUser(ctx context.Context, p Principal, id string, in UserChange, check func(version int64) error) (User, error) {
	if err := p.Require(PermUserManage); err != nil {
		return User{}, err
	}
	var status error
	if in.Status != UserActive && in.Status != UserDisabled {
		status = fault.Field("status", "应为 active 或 disabled", "must be active or disabled")
	}
	if err := fault.Join(checkText("name", in.Name, 100), checkEmail(in.Email), checkLang(in.Lang), status); err != nil {
		return User{}, err
	}
	var out User
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		u, err := lockUser(ctx, tx, id)
		if err == nil && !p.Sees(u.BranchPath) {
			err = fault.NotFoundError("user", id)
		}
		if err == nil {
			err = check(u.Version)
		}
		if err != nil {
			return err
		}
		if in.Status == UserDisabled {
			if err := keepAnAdmin(ctx, tx, u, nil); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, endSessions, tx.Institution, u.ID, ""); err != nil {
				return err
			}
		}
		out = u
		out.Name, out.Email, out.Lang, out.Status, out.Version = in.Name, in.Email, in.Lang, in.Status, u.Version+1
		done, err := tx.ExecOne(ctx, updateUser, tx.Institution, u.ID, in.Name, in.Email, in.Lang, in.Status, u.Version)
		if err == nil && !done {
			err = fault.New(fault.ReasonStale, "version", u.Version+1)
		}
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "user.update", Object: "user", ObjectID: u.ID, Before: u, After: out}); err != nil {
			return err
		}
		return emit(ctx, tx, "user.updated", "user", u.ID, out)
	})
	return out, err
}

// keepAnAdmin refuses what would leave the institution without an active administrator.
func keepAnAdmin(ctx context.Context, tx *db.Tx, u User, next []string) error {
	if !slices.Contains(u.Roles, RoleAdmin) || slices.Contains(next, RoleAdmin) || u.Status != UserActive {
		return nil
	}
	if err := tx.Lock(ctx, "admins"); err != nil { // two administrators relieving each other
		return err
	}
	var others int
	if err := tx.QueryRow(ctx, findAdmins, tx.Institution, u.ID).Scan(&others); err != nil {
		return err
	}
	if others == 0 {
		return fault.New(ReasonLastAdmin)
	}
	return nil
}

// Grant is what a user may do and where: the whole set of roles, and the branch whose subtree he sees.
type Grant struct {
	UserID   string   `json:"user_id"`
	Roles    []string `json:"roles"`
	BranchID string   `json:"branch_id"`
}

// ApplyGrant replaces a user's roles and branch, if the user is still at the version the grant was
// made for. It is called by an approved proposal, or by the operator.
func ApplyGrant(ctx context.Context, tx *db.Tx, g Grant, version int64) (User, error) {
	before, err := lockUser(ctx, tx, g.UserID)
	if err != nil {
		return before, err
	}
	if before.Version != version {
		return before, fault.New(fault.ReasonStale, "version", before.Version)
	}
	if err := CheckGrant(ctx, tx, g); err != nil {
		return before, err
	}
	if err := keepAnAdmin(ctx, tx, before, g.Roles); err != nil {
		return before, err
	}
	done, err := tx.ExecOne(ctx, moveUser, tx.Institution, before.ID, g.BranchID, version)
	if err == nil && !done {
		err = fault.New(fault.ReasonStale, "version", version+1)
	}
	if err != nil {
		return before, err
	}
	if _, err := tx.Exec(ctx, clearRoles, tx.Institution, before.ID); err != nil {
		return before, err
	}
	for _, r := range slices.Compact(slices.Sorted(slices.Values(g.Roles))) {
		if _, err := tx.Exec(ctx, insertRole, tx.Institution, before.ID, r, db.Micros(tx.Now), tx.Actor); err != nil {
			return before, err
		}
	}
	after, err := FindUser(ctx, tx, before.ID)
	if err != nil {
		return before, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "user.grant", Object: "user", ObjectID: after.ID, Before: before, After: after}); err != nil {
		return after, err
	}
	return after, emit(ctx, tx, "user.granted", "user", after.ID, after)
}

// CheckGrant says what is wrong with a grant before it is proposed.
func CheckGrant(ctx context.Context, tx *db.Tx, g Grant) error {
	if len(g.Roles) > 20 {
		return fault.Field("roles", "超过 20 个角色", "has more than 20 roles")
	}
	for _, r := range g.Roles {
		if _, err := FindRole(ctx, tx, r); err != nil {
			return fault.Field("roles", "没有角色 "+r+"；内置角色："+builtinCodes(), "there is no role "+r+"; built in are "+builtinCodes()).Wrap(err)
		}
	}
	_, err := FindBranch(ctx, tx, g.BranchID)
	return err
}

// ResetPassword sets a password that the user must change at the next sign-in, and ends all sessions.
func (s *Service) ResetPassword(ctx context.Context, p Principal, idOrLogin, password string) error {
	if err := p.Require(PermUserManage); err != nil {
		return err
	}
	return s.storePassword(ctx, p, idOrLogin, password, true, "", func(u User) error {
		if u.ID == p.UserID {
			return fault.Field("id", "修改自己的密码须提供当前密码", "your own password is changed with the present one")
		}
		if !p.Sees(u.BranchPath) {
			return fault.NotFoundError("user", idOrLogin)
		}
		return nil
	})
}

// ChangePassword lets a user change his own; other sessions end, the one of keepToken stays.
func (s *Service) ChangePassword(ctx context.Context, p Principal, present, next, keepToken string) error {
	var hash string
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		return tx.QueryRow(ctx, selectPassword, tx.Institution, p.UserID).Scan(&hash)
	})
	if err != nil {
		return err
	}
	// Guessing the present password from a stolen session is slowed like guessing at sign-in.
	attempt := p.InstitutionID + "\x00change\x00" + p.UserID
	if err := s.reserveAttempt(ctx, attempt); err != nil {
		return err
	}
	ok, err := s.hasher.verify(ctx, present, hash)
	if err == nil && !ok {
		err = fault.New(ReasonCredentials)
	}
	if err == nil && present == next {
		err = fault.Field("new_password", "与当前密码相同", "is the present one")
	}
	if err != nil {
		return err
	}
	if err := s.clearAttempts(ctx, attempt); err != nil {
		return err
	}
	return s.storePassword(ctx, p, p.UserID, next, false, keepToken, func(User) error { return nil })
}

func (s *Service) storePassword(ctx context.Context, p Principal, idOrLogin, password string, mustChange bool, keepToken string, allowed func(User) error) error {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		u, err := FindUser(ctx, tx, idOrLogin)
		if err == nil {
			err = allowed(u)
		}
		if err == nil && u.Kind == KindService {
			err = fault.Field("id", "系统账户只能用接口密钥", "a service has API keys, not a password")
		}
		if err == nil {
			err = checkPassword(u.Login, password)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, setPassword, tx.Institution, u.ID, hash, db.Micros(tx.Now), mustChange); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endSessions, tx.Institution, u.ID, keptHash(keepToken)); err != nil {
			return err
		}
		action := "user.password.change"
		if mustChange {
			action = "user.password.reset"
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "user", ObjectID: u.ID}); err != nil {
			return err
		}
		return emit(ctx, tx, "user.password_changed", "user", u.ID, map[string]bool{"reset": mustChange})
	})
}
