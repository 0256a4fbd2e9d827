package auth

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Enrolment is what an authenticator app needs.
type Enrolment struct {
	Secret string `json:"secret" doc:"to be typed where the code cannot be scanned"`
	URI    string `json:"uri" doc:"otpauth:// address that the QR code holds"`
	QR     string `json:"qr" doc:"the QR code as a data: address of a PNG image"`
}

const (
	totpPeriod        = 30
	recoveryCodeCount = 10
)

var (
	selectTOTP  = db.Q(`select totp_secret, totp_on, totp_step from user_account where institution_id = $1 and id = $2`)
	writeSecret = db.Q(`update user_account set totp_secret = $3, totp_on = false, totp_step = 0 where institution_id = $1 and id = $2 and totp_on = false`)
	turnOn      = db.Q(`update user_account set totp_on = true, version = version + 1 where institution_id = $1 and id = $2`)
	turnOff     = db.Q(`update user_account set totp_secret = '', totp_on = false, totp_step = 0, version = version + 1 where institution_id = $1 and id = $2`)
	// The step only grows: a code that was used, or an older one, does not work again.
	useStep        = db.Q(`update user_account set totp_step = $3 where institution_id = $1 and id = $2 and totp_step < $3`)
	clearRecovery  = db.Q(`delete from recovery_code where institution_id = $1 and user_id = $2`)
	insertRecovery = db.Q(`insert into recovery_code (institution_id, user_id, code_hash, used_at) values ($1,$2,$3,0)`)
	useRecovery    = db.Q(`update recovery_code set used_at = $4 where institution_id = $1 and user_id = $2 and code_hash = $3 and used_at = 0`)
)

func secretContext(institution, user string) string {
	return "user_account.totp_secret." + institution + "." + user
}

// EnrolTOTP makes a secret; codes are asked for only after ConfirmTOTP.
func (s *Service) EnrolTOTP(ctx context.Context, p Principal) (Enrolment, error) {
	generated, err := totp.Generate(totp.GenerateOpts{Issuer: "Capillary", AccountName: p.Login, Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, err
	}
	picture, err := generated.Image(240, 240)
	if err != nil {
		return Enrolment{}, err
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, picture); err != nil {
		return Enrolment{}, err
	}
	sealed, err := s.keys.Encrypt(secretContext(p.InstitutionID, p.UserID), []byte(generated.Secret()))
	if err != nil {
		return Enrolment{}, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		done, err := tx.ExecOne(ctx, writeSecret, tx.Institution, p.UserID, sealed)
		if err == nil && !done {
			err = fault.New(fault.ReasonConflict, "object", "totp", "problem", "one-time codes are already on", "problem_zh", "动态验证码已启用")
		}
		return err
	})
	return Enrolment{Secret: generated.Secret(), URI: generated.URL(), QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(qr.Bytes())}, err
}

// ConfirmTOTP turns one-time codes on when the app shows the right one, and gives recovery codes,
// which are shown this once.
func (s *Service) ConfirmTOTP(ctx context.Context, p Principal, code string) ([]string, error) {
	var codes []string
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := s.useCode(ctx, tx, p.UserID, code); err != nil {
			return fault.Field("code", "与验证器应用显示的不符", "is not what the authenticator app shows").Wrap(err)
		}
		if _, err := tx.Exec(ctx, turnOn, tx.Institution, p.UserID); err != nil {
			return err
		}
		var err error
		if codes, err = s.newRecoveryCodes(ctx, tx, p.UserID); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "user.totp.on", Object: "user", ObjectID: p.UserID}); err != nil {
			return err
		}
		return emit(ctx, tx, "user.totp_changed", "user", p.UserID, map[string]bool{"on": true})
	})
	return codes, err
}

func (s *Service) newRecoveryCodes(ctx context.Context, tx *db.Tx, userID string) ([]string, error) {
	if _, err := tx.Exec(ctx, clearRecovery, tx.Institution, userID); err != nil {
		return nil, err
	}
	var codes []string
	for range recoveryCodeCount {
		t := crypto.NewToken()
		code := t[:5] + "-" + t[5:10] // 50 bits, behind the same block as passwords
		codes = append(codes, code)
		if _, err := tx.Exec(ctx, insertRecovery, tx.Institution, userID, s.recoveryHash(tx.Institution, userID, code)); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

func (s *Service) recoveryHash(institution, user, code string) string {
	return s.keys.BlindIndex("recovery."+institution+"."+user, strings.ToLower(strings.TrimSpace(code)))
}

// DisableTOTP turns codes off with a code as proof.
func (s *Service) DisableTOTP(ctx context.Context, p Principal, code string) error {
	attempt := p.InstitutionID + "\x00totp\x00" + p.UserID
	if err := s.reserveAttempt(ctx, attempt); err != nil {
		return err
	}
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := s.useCode(ctx, tx, p.UserID, code); err != nil {
			return err
		}
		return removeTOTP(ctx, tx, p.UserID)
	})
	if err != nil {
		return err
	}
	return s.clearAttempts(ctx, attempt)
}

// ResetTOTP lets an administrator turn codes off for somebody who lost his device; sessions end.
func (s *Service) ResetTOTP(ctx context.Context, p Principal, userID string) error {
	if err := p.Require(PermUserManage); err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		u, err := lockUser(ctx, tx, userID)
		if err == nil && (!p.Sees(u.BranchPath) || u.ID == p.UserID) {
			err = fault.NotFoundError("user", userID)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endSessions, tx.Institution, u.ID, ""); err != nil {
			return err
		}
		return removeTOTP(ctx, tx, u.ID)
	})
}

func removeTOTP(ctx context.Context, tx *db.Tx, userID string) error {
	if _, err := tx.Exec(ctx, turnOff, tx.Institution, userID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, clearRecovery, tx.Institution, userID); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "user.totp.off", Object: "user", ObjectID: userID}); err != nil {
		return err
	}
	return emit(ctx, tx, "user.totp_changed", "user", userID, map[string]bool{"on": false})
}

// useCode accepts a one-time code of this step or a neighbour, once, or an unused recovery code.
func (s *Service) useCode(ctx context.Context, tx *db.Tx, userID, code string) error {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(code) == 11 {
		done, err := tx.ExecOne(ctx, useRecovery, tx.Institution, userID, s.recoveryHash(tx.Institution, userID, code), db.Micros(tx.Now))
		if err == nil && !done {
			err = fault.New(ReasonCredentials)
		}
		return err
	}
	var sealed string
	var on bool
	var last int64
	if err := tx.QueryRow(ctx, selectTOTP, tx.Institution, userID).Scan(&sealed, &on, &last); err != nil {
		return err
	}
	if sealed == "" {
		return fault.New(ReasonCredentials)
	}
	secret, err := s.keys.Decrypt(secretContext(tx.Institution, userID), sealed)
	if err != nil {
		return err
	}
	step, ok := matchStep(string(secret), code, tx.Now)
	if !ok || step <= last {
		return fault.New(ReasonCredentials)
	}
	done, err := tx.ExecOne(ctx, useStep, tx.Institution, userID, step)
	if err == nil && !done {
		err = fault.New(ReasonCredentials)
	}
	return err
}

func matchStep(secret, code string, now time.Time) (int64, bool) {
	at := now.Unix() / totpPeriod
	for _, step := range []int64{at, at - 1, at + 1} {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}
